"""Class and patient of every image, from its path or from a CSV that came with the data."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from medcnn.core import tables
from medcnn.core.errors import MedcnnError
from medcnn.dataset import truths
from medcnn.dataset.doubts import Doubt
from medcnn.params.labels import Csv, Labels
from medcnn.reading.archive import Archive
from medcnn.reading.names import matches, printable
from medcnn.split import finding

NOTHING = pd.DataFrame(dtype=tables.TEXT)
"""The rows of a CSV that is not there."""

_SHOWN = 8


@dataclass(frozen=True)
class Listing:
    """What is known of the images before any of them is opened.

    Attributes:
        rows: ``path``, ``label``, ``patient``, ``part`` and ``reason`` of each image, in the order of paths; '' where
            unknown. The part is what a label table says of it, in its own words; the reason, why it has no label.
        doubts: what is doubtful about labels and patients.
    """

    rows: pd.DataFrame
    doubts: tuple[Doubt, ...]


def listed(archive: Archive, labels: Labels, where: str) -> Listing:
    """Every image of the raw data that the study does not exclude, in the order of paths.

    Args:
        archive: the raw data.
        labels: the patterns for classes and patients, the CSV of labels, the aliases of patients.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: there are no images, a pattern or an alias matches nothing, or the CSV cannot be trusted.
    """
    files = finding.found(archive, labels, where)
    names, found = archive.names(), files.names
    table = _table(archive, names, labels.csv, where)
    _check_table(table, names, found, f"{where}.labels.csv: {labels.csv.file}")
    items = labelled(found, table, labels)
    _check_classes(items, labels, f"{where}.labels")
    _check_patients(items, table, labels, f"{where}.labels")
    items = items.assign(part="", reason=np.where(items["label"] == "", "no class", "")).astype(tables.TEXT)
    return Listing(_joined(items, labels.aliases, f"{where}.labels"), files.doubts)


def described(archive: Archive, labels: Labels, where: str) -> pd.DataFrame:
    """What the CSV says of every file, by its path; '' for a file that the CSV does not list.

    Raises:
        MedcnnError: the CSV cannot be read.
    """
    names = archive.names()
    table = _table(archive, names, labels.csv, where)
    return table.reset_index(drop=True).reindex(_rows_of(names, table)).fillna("").set_axis(names)


def labelled(names: Sequence[str], table: pd.DataFrame, labels: Labels) -> pd.DataFrame:
    """Path, label and patient of images: by their rows of the CSV, or by their paths where no CSV lists them.

    By its path an image is of the class whose pattern matches the nearest folder, and of the patient that the study's
    regular expression finds. An image that a CSV should list and does not has no label, unless ``labels.csv.unlisted``
    says that its folder decides.
    """
    source = labels.csv
    texts = table[source.label].tolist() if len(table) else []
    groups = table[source.group].tolist() if len(table) and source.group else [""] * len(texts)

    def of(name: str, row: int) -> tuple[str, str, str]:
        if row >= 0:
            known = patient(groups[row], labels.group) if labels.group else groups[row]
            return name, _class(texts[row], labels), known or patient(name, labels.group)
        if source.file and source.unlisted == "set_aside":
            return name, "", patient(name, labels.group)
        classes = (_class(folder, labels) for folder in reversed(name.split("/")[:-1]))
        return name, next(filter(None, classes), ""), patient(name, labels.group)

    rows = zip(names, _rows_of(names, table), strict=True)
    return tables.collected((of(name, row) for name, row in rows), {"path": str, "label": str, "patient": str})


def read_table(data: bytes, source: Csv, where: str) -> pd.DataFrame:
    """Read the label CSV, by the names that it gives to images.

    Raises:
        MedcnnError: it is not a CSV in UTF-8, a row is too long or too short, a column is missing, or an image is
            listed twice.
    """
    try:
        table = tables.parse(data)
    except ValueError as error:
        raise MedcnnError(f"{where}.labels.csv: {source.file} is not a CSV in UTF-8 ({error}); correct it") from error
    needed = [column for column in (source.image, source.label, source.group) if column]
    missing = [column for column in needed if column not in table]
    if missing:
        header = ", ".join(map(str, table))
        raise MedcnnError(f"{where}.labels.csv: {source.file} has no column '{missing[0]}'; it has {header}")
    table = table.map(printable).astype(tables.TEXT)
    names = pd.Index([PurePosixPath(name).as_posix() for name in table[source.image]], dtype=tables.TEXT)
    repeated = names[names.duplicated()]
    if len(repeated):
        raise MedcnnError(f"{where}.labels.csv: {source.file} lists {repeated[0]} twice; name images by their path")
    return table.set_axis(names)


def patient(text: str, pattern: str | None) -> str:
    """What the pattern's groups matched, joined by '/'; the whole match where it has no groups; '' for no match."""
    match = re.search(pattern, text) if pattern else None
    if match is None:
        return ""
    return "/".join(part for part in match.groups() if part) or match.group()


def _class(text: str, labels: Labels) -> str:
    return next((label for pattern, label in labels.classes.items() if matches(text, pattern)), "")


def _rows_of(names: Sequence[str], table: pd.DataFrame) -> list[int]:
    """The row of the CSV of each image; -1 for an image that it does not list."""
    row_of = {name: row for row, name in enumerate(table.index)}
    return [row_of.get(_entry(name, row_of) or "", -1) for name in names]


def _entry(name: str, known: Container[str]) -> str | None:
    """How the CSV names the image: by its whole path, by the end of it, or by the file name alone."""
    parts = name.split("/")
    endings = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((ending for ending in endings if ending in known), None) if known else None


def _table(archive: Archive, names: Sequence[str], source: Csv, where: str) -> pd.DataFrame:
    """The rows of the label CSV by image; none where folders name the classes."""
    if source.file is None:
        return NOTHING
    matching = [name for name in names if matches(name, source.file)]
    if len(matching) != 1:
        some = f" ({', '.join(matching[:_SHOWN])})" if matching else ""
        raise MedcnnError(
            f"{where}.labels.csv.file: '{source.file}' matches {len(matching)} files{some}, not one; fix the pattern"
        )
    return read_table(archive.read(matching[0]), source, where)


def _check_table(table: pd.DataFrame, names: Sequence[str], found: Sequence[str], where: str) -> None:
    known = set(table.index)
    absent = sorted(known - {_entry(name, known) for name in names})
    if absent:
        raise MedcnnError(
            f"{where} lists {len(absent)} images that the raw data does not hold, the first {absent[0]}; "
            "remove their lines, or fix labels.csv.image or the source"
        )
    bearer: dict[str, str] = {}
    for name in found:
        entry = _entry(name, known)
        if entry is not None and bearer.setdefault(entry, name) != name:
            raise MedcnnError(
                f"{where} lists {entry}, which could be {bearer[entry]} or {name}; name images by their path, or "
                "exclude one"
            )


def _check_classes(items: pd.DataFrame, labels: Labels, where: str) -> None:
    present = truths.counted(items["label"])
    missing = next((name for name in labels.class_names if name not in present), None)
    if missing:
        patterns = " or ".join(f"'{pattern}'" for pattern, name in labels.classes.items() if name == missing)
        folders = sorted({PurePosixPath(path).parent.as_posix() for path in items["path"]})
        place = f"folder or value of column {labels.csv.label}" if labels.csv.file else "folder"
        raise MedcnnError(
            f"{where}.classes: no image is of class '{missing}': {patterns} matches no {place}; fix the pattern; "
            f"folders found: {_some(folders)}"
        )


def _check_patients(items: pd.DataFrame, table: pd.DataFrame, labels: Labels, where: str) -> None:
    if not labels.group:
        return
    cure = "; fix the regular expression, or leave it empty if no name identifies the patient"
    if labels.csv.group and len(table):
        values = table[labels.csv.group]
        if not any(patient(value, labels.group) for value in values):
            column = f"column {labels.csv.group} of {labels.csv.file}"
            raise MedcnnError(
                f"{where}.group: '{labels.group}' matches nothing in {column}, such as {values.iloc[0]}{cure}"
            )
    if (items["patient"] == "").all():
        raise MedcnnError(f"{where}.group: '{labels.group}' matches no path, such as {items['path'].iloc[0]}{cure}")


def _joined(items: pd.DataFrame, aliases: Mapping[str, str], where: str) -> pd.DataFrame:
    """The images with every alias replaced by the patient whom it stands for."""
    if not aliases:
        return items
    patients = sorted(set(items["patient"].unique()) - {""})
    absent = next((alias for alias in aliases if alias not in patients), None)
    if absent is not None:
        found = _some(patients) or "none"
        raise MedcnnError(f"{where}.aliases.{absent}: no image is of patient '{absent}'; patients found: {found}")
    joined = [aliases.get(name, name) for name in items["patient"]]
    return items.assign(patient=pd.array(joined, tables.TEXT))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
