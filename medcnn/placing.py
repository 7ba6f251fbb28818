"""On which side of the split every image stands: drawn by class and group, or as the data's author made it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from medcnn import manifest, seeding, splitting
from medcnn.console import MedcnnError
from medcnn.manifest import SPLITS, USED, Row
from medcnn.params.studies import AuthorSplit, OnLeak, StratifiedSplit, Study

Repair = Callable[[Sequence[Row], Sequence[int]], list[Row]]


def placed(rows: Sequence[Row], groups: Sequence[int], study: Study, seed: int, where: str) -> list[Row]:
    """The rows with their split and cross-validation fold.

    Args:
        rows: every image, those set aside included.
        groups: the group of each row; no group is parted, unless the study keeps its leaks.
        study: says how to split.
        seed: decides a drawn split, and the folds.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: a class is missing from a part or has less than an image a fold, or a group stands on two sides.
    """
    split = study.split
    if isinstance(split, AuthorSplit):
        _check_author(_by_author(rows, split), split, study.class_names, f"{where}.split")
    dealt = _dealt(rows, groups, split, split.on_leak, seed)
    inside = [index for index, row in enumerate(dealt) if row.status == USED]
    dealt_whole = _units(groups, split.on_leak)
    chosen, units = [dealt[i] for i in inside], [dealt_whole[i] for i in inside]
    splitting.check_no_leak(units, [row.split for row in chosen], [row.path for row in chosen])
    _check_folds(chosen, units, split.folds, study.class_names, f"{where}.split")
    _check_parts(chosen, split, study.class_names, f"{where}.split")
    held_out = [row.split == "test" for row in chosen]
    folds = splitting.folds(units, [row.label for row in chosen], held_out, split.folds, seed)
    for index, fold in zip(inside, folds, strict=True):
        dealt[index] = replace(dealt[index], fold=fold)
    return dealt


def as_published(rows: Sequence[Row], split: AuthorSplit | StratifiedSplit, seed: int) -> list[str]:
    """The split of each row before any repair: the author's, or one drawn image by image; '' for rows set aside."""
    return [row.split for row in _dealt(rows, range(len(rows)), split, "keep", seed)]


def _dealt(
    rows: Sequence[Row], groups: Sequence[int], split: AuthorSplit | StratifiedSplit, on_leak: OnLeak, seed: int
) -> list[Row]:
    units = _units(groups, on_leak)
    if isinstance(split, AuthorSplit):
        parts = _REPAIRS[on_leak](_by_author(rows, split), groups)
        return parts if isinstance(split.validation, str) else _with_validation(parts, units, split.validation, seed)
    shares = (1 - split.validation - split.test, split.validation, split.test)
    if on_leak == "drop_from_train":
        return _dropped(_drawn(rows, range(len(rows)), shares, seed), groups)
    return _drawn(rows, units, shares, seed)


def _units(groups: Sequence[int], on_leak: OnLeak) -> Sequence[int]:
    """What is dealt as a whole: groups, or single images where leaks are kept."""
    return range(len(groups)) if on_leak == "keep" else groups


def _drawn(rows: Sequence[Row], units: Sequence[int], shares: Sequence[float], seed: int) -> list[Row]:
    inside = [index for index, row in enumerate(rows) if row.status == USED]
    return _assigned(rows, units, inside, dict(zip(SPLITS, shares, strict=True)), seed)


def _with_validation(rows: Sequence[Row], units: Sequence[int], share: float, seed: int) -> list[Row]:
    training = manifest.indices(rows, "train")
    return _assigned(rows, units, training, {"train": 1 - share, "validation": share}, seed)


def _assigned(
    rows: Sequence[Row], units: Sequence[int], inside: Sequence[int], shares: Mapping[str, float], seed: int
) -> list[Row]:
    """The rows, those ``inside`` dealt to the parts by class and unit."""
    labels = [rows[i].label for i in inside]
    parts = splitting.assign([units[i] for i in inside], labels, [*shares.values()], seeding.derived(seed, "split"))
    dealt = list(rows)
    for index, part in zip(inside, parts, strict=True):
        dealt[index] = replace(rows[index], split=[*shares][part])
    return dealt


def _by_author(rows: Sequence[Row], split: AuthorSplit) -> list[Row]:
    """The author's parts, by path; images in none of them are set aside."""
    return [_by_path(row, _patterns(split)) if row.status == USED else row for row in rows]


def _by_path(row: Row, patterns: Mapping[str, str]) -> Row:
    for split, pattern in patterns.items():
        if fnmatchcase(row.path, pattern):
            return replace(row, split=split)
    return manifest.set_aside(row, "in no part of the author's split")


def _patterns(split: AuthorSplit) -> dict[str, str]:
    patterns = {"train": split.train, "validation": split.validation, "test": split.test}
    return {part: pattern for part, pattern in patterns.items() if isinstance(pattern, str)}


def _kept(rows: Sequence[Row], _: Sequence[int]) -> list[Row]:
    return list(rows)


def _dropped(rows: Sequence[Row], groups: Sequence[int]) -> list[Row]:
    """Images of an earlier part that share a group with a later one are set aside; the test set stays."""
    dealt = list(rows)
    for later in ("test", "validation"):
        taken = {groups[i] for i in manifest.indices(dealt, later)}
        earlier = SPLITS[: SPLITS.index(later)]
        dealt = [
            manifest.set_aside(row, f"shares a patient or a duplicate with {later}")
            if row.split in earlier and groups[i] in taken
            else row
            for i, row in enumerate(dealt)
        ]
    return dealt


def _regrouped(rows: Sequence[Row], groups: Sequence[int]) -> list[Row]:
    """Every group moves whole to the part where most of its images stand, of equal ones to the later part."""
    standing: dict[int, Counter[str]] = defaultdict(Counter)
    for row, group in zip(rows, groups, strict=True):
        if row.split:
            standing[group][row.split] += 1
    home = {
        group: max(counts, key=lambda part: (counts[part], SPLITS.index(part))) for group, counts in standing.items()
    }
    return [replace(row, split=home[group]) if row.split else row for row, group in zip(rows, groups, strict=True)]


_REPAIRS: Mapping[OnLeak, Repair] = {"keep": _kept, "drop_from_train": _dropped, "regroup": _regrouped}


def _check_author(rows: Sequence[Row], split: AuthorSplit, classes: Sequence[str], where: str) -> None:
    """Refuse patterns that match nothing, and parts whose classes differ."""
    counts = Counter((row.split, row.label) for row in rows if row.split)
    for part, pattern in _patterns(split).items():
        if not any(fnmatchcase(row.path, pattern) for row in rows):
            raise MedcnnError(f"{where}.{part}: '{pattern}' matches no image, such as {rows[0].path}; mend the pattern")
        for label in classes:
            others = [other for other in SPLITS if counts[other, label]]
            if others and not counts[part, label]:
                raise MedcnnError(
                    f"{where}.{part}: the classes of the parts differ: {others[0]} holds '{label}' images and {part} "
                    f"none; mend the patterns of split or classes{_strays(rows, pattern)}"
                )


def _strays(rows: Sequence[Row], pattern: str) -> str:
    """The folders of a part whose images are of no class, which tell how a class is spelt there."""
    strays = [row for row in rows if fnmatchcase(row.path, pattern) and not row.label]
    folders = sorted({PurePosixPath(row.path).parent.as_posix() for row in strays})
    return f"; folders there of no class: {', '.join(folders)}" if folders else ""


def _check_folds(rows: Sequence[Row], units: Sequence[int], folds: int, classes: Sequence[str], where: str) -> None:
    """Refuse more folds than a class has images, or than there are groups, outside the test part."""
    inside = [index for index, row in enumerate(rows) if row.split != "test"]
    images = Counter(rows[index].label for index in inside)
    counts = {f"class '{label}' has {images[label]} images": images[label] for label in classes}
    groups = len({units[index] for index in inside})
    counts[f"there are {groups} patients or sets of duplicates"] = groups
    for told, count in counts.items():
        if count < folds:
            lower = f"set it to {count} or less, or " if count > 2 else ""
            raise MedcnnError(
                f"{where}.folds: {told} outside the test part, fewer than {folds} folds; {lower}add images"
            )


def _check_parts(rows: Sequence[Row], split: AuthorSplit | StratifiedSplit, classes: Sequence[str], where: str) -> None:
    present = {(row.split, row.label) for row in rows}
    missing = [(part, label) for part in SPLITS for label in classes if (part, label) not in present]
    if missing:
        part, label = missing[0]
        drawn = isinstance(split, StratifiedSplit) or (part == "validation" and not isinstance(split.validation, str))
        cure = "give that part a larger share" if drawn else "choose another split.on_leak than " + split.on_leak
        raise MedcnnError(f"{where}: no '{label}' image in {part}; {cure}, or add images")
