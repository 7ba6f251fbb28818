"""The patient of every image, from its path or from a label table, and what is doubtful about patients."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import pandas as pd

from medcnn.core import tables
from medcnn.core.errors import MedcnnError
from medcnn.dataset.doubts import SHOWN, Doubt
from medcnn.grouping.missing import blanked
from medcnn.params.labels import Labels


def patient(text: str, pattern: str | None) -> str:
    """What the pattern's groups matched, joined by '/'; the whole match where it has no groups; '' for no match."""
    match = re.search(pattern, text) if pattern else None
    if match is None:
        return ""
    return "/".join(part for part in match.groups() if part) or match.group()


def found_in(texts: Iterable[str], pattern: str | None) -> pd.Series[str]:
    """The patient that a regular expression finds in each text; '' where it finds none or a word for none."""
    return blanked(pd.Series([patient(text, pattern) for text in texts], dtype=tables.TEXT))


def joined(patients: pd.Series[str], aliases: Mapping[str, str], where: str) -> pd.Series[str]:
    """The patients with every alias replaced by the one that it stands for.

    Raises:
        MedcnnError: no image is of an alias.
    """
    if not aliases:
        return patients
    known = sorted(set(patients.unique()) - {""})
    absent = next((alias for alias in aliases if alias not in known), None)
    if absent is not None:
        raise MedcnnError(
            f"{where}.aliases.{absent}: no image is of patient '{absent}'; patients found: {some(known) or 'none'}"
        )
    return patients.replace(dict(aliases)).astype(tables.TEXT)


def doubts(rows: pd.DataFrame, labels: Labels) -> Iterator[Doubt]:
    """What to know before believing that patients are kept together.

    Args:
        rows: ``path``, ``label`` and ``patient`` of every image.
        labels: how the patients were found.
    """
    known = rows[rows["patient"] != ""]
    if len(known):
        sizes = known["patient"].value_counts()
        yield from _only_one(known, len(rows))
        yield from _cut_short(known, labels)
        yield from _spelt_alike(sizes)
        yield from _each_its_own(known, sizes)


def _only_one(known: pd.DataFrame, total: int) -> Iterator[Doubt]:
    """A single patient: most often a pattern that finds too little."""
    if known["patient"].nunique() == 1 and len(known) > 1:
        name, example = known[["patient", "path"]].iloc[0]
        text = f"all {len(known)} images that have a patient have the same: '{name}' in {example}; check labels.group"
        yield Doubt("error" if len(known) == total else "warning", "one_patient", text, len(known), (example,))


def _cut_short(known: pd.DataFrame, labels: Labels) -> Iterator[Doubt]:
    """Patients whose number goes on where the regular expression ends."""
    if not labels.group or labels.csv.group:
        return
    cut = [path for path in known["path"] if _goes_on(path, labels.group)]
    if cut:
        name = patient(cut[0], labels.group)
        text = (
            f"labels.group cuts the number of {len(cut)} of {len(known)} images short: it finds '{name}' in {cut[0]}, "
            f"and {known['patient'].nunique()} patients in all; let it match all digits, as \\d+ does"
        )
        yield Doubt("warning", "patients_cut_short", text, len(cut), tuple(cut[:SHOWN]))


def _goes_on(text: str, pattern: str) -> bool:
    match = re.search(pattern, text)
    end = match.end(match.lastindex or 0) if match else 0
    return text[end - 1 : end].isdigit() and text[end : end + 1].isdigit()


def _spelt_alike(sizes: pd.Series[int]) -> Iterator[Doubt]:
    """Patients whose names differ by case, blanks, dashes or leading zeros alone, and may be one."""
    names = pd.Series(sizes.index, dtype=tables.TEXT)
    alike = names.groupby([_plain(name) for name in names]).agg(list)
    sets = [sorted(found) for found in alike if len(found) > 1]
    if sets:
        shown = [" and ".join(f"'{name}'" for name in found) for found in sets]
        text = (
            f"{sum(map(len, sets))} patients are spelt almost like another, such as {some(shown)}; if they are one, "
            "say so in labels.aliases"
        )
        yield Doubt("warning", "patients_spelt_alike", text, sum(map(len, sets)), tuple(shown[:SHOWN]))


def _plain(name: str) -> str:
    apart = re.sub(r"(?<=\d)[\s_.-]+(?=\d)", "/", name.casefold().strip())
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"[\s_.-]+", "", apart))


def _each_its_own(known: pd.DataFrame, sizes: pd.Series[int]) -> Iterator[Doubt]:
    if len(sizes) == len(known) > 1:
        text = (
            f"each of {len(known)} images has a patient of its own, such as '{known['patient'].iloc[0]}': check that "
            "it names patients, not images"
        )
        yield Doubt("note", "patients_all_different", text, len(known), (str(known["patient"].iloc[0]),))


def some(names: list[str], most: int = SHOWN) -> str:
    """The first names, and how many more there are, for messages."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
