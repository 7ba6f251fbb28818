"""On which side of the split every image stands: drawn by class and group, or as the data's author made it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np

from medcnn.core import seeding
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest
from medcnn.dataset.folds import Parts
from medcnn.dataset.manifest import SET_ASIDE, SPLITS, USED, Row
from medcnn.grouping import dealing, leaks
from medcnn.params.splits import AuthorSplit, OnLeak, StratifiedSplit
from medcnn.reading.names import matches
from medcnn.split.settings import Study

Repair = Callable[[Sequence[Row], Sequence[int]], list[Row]]


def placed(rows: Sequence[Row], groups: Sequence[int], study: Study, seed: int, where: str) -> list[Row]:
    """The rows with their split and cross-validation fold.

    Args:
        rows: every image, those set aside included.
        groups: the group of each row; no group is parted, unless the study keeps its leaks.
        study: says how to split.
        seed: decides a drawn split, and the folds.
        where: the key path of the study, for messages.

    Returns:
        Rows whose ``fold`` is 0 in the test part, 1 to ``split.folds - 1`` elsewhere in a drawn split, 1 to
        ``split.folds`` elsewhere in an author's.

    Raises:
        MedcnnError: a class is missing from a part or has less than an image a fold, or a group stands on two sides.
    """
    split = study.split
    if isinstance(split, AuthorSplit):
        _check_author(_by_author(rows, split), split, study.labels.class_names, f"{where}.split")
    dealt = _dealt(rows, groups, split, split.on_leak, seed)
    inside = [index for index, row in enumerate(dealt) if row.status == USED]
    dealt_whole = _units(groups, split.on_leak)
    chosen, units = [dealt[i] for i in inside], [dealt_whole[i] for i in inside]
    _check_no_leak(chosen, units)
    _check_folds(dealt, units, study, f"{where}.split")
    _check_parts(dealt, split, study.labels.class_names, f"{where}.split")
    tested = [row.split == "test" for row in chosen]
    folds = dealing.folds(units, [row.label for row in chosen], tested, len(study.split.fold_numbers) - 1, seed)
    for index, fold in zip(inside, folds, strict=True):
        dealt[index] = replace(dealt[index], fold=fold)
    return dealt


def folded(rows: Sequence[Row], groups: Sequence[int], study: Study, seed: int) -> Parts:
    """The part of every used image in every fold.

    In a fold after the first its own images are the test part, and of the others as large a share is drawn for
    validation, by class and group, as the split draws of what it does not test on. A test part that the data's author
    made is in fold 0 alone.

    Args:
        rows: as ``placed`` gives them, with split and fold.
        groups: the group of each row; no group is parted, unless the study keeps its leaks.
        study: says how it is split, and with that how many folds there are.
        seed: decides the validation parts.

    Raises:
        MedcnnError: a group stands on two sides of a fold.
    """
    dealt_whole = _units(groups, study.split.on_leak)
    used = [row for row in rows if row.status == USED]
    units = [unit for row, unit in zip(rows, dealt_whole, strict=True) if row.status == USED]
    fold_0_apart = isinstance(study.split, AuthorSplit)
    folds = [used, *(_fold(used, units, fold, fold_0_apart, seed) for fold in study.split.fold_numbers[1:])]
    for fold in folds:
        _check_no_leak(fold, units)
    splits = ([row.split for row in fold] for fold in folds)
    return {row.image_id: parts for row, parts in zip(used, zip(*splits, strict=True), strict=True)}


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
    return _assigned(rows, units, inside, dict(zip(SPLITS, shares, strict=True)), seeding.derived(seed, "split"))


def _with_validation(rows: Sequence[Row], units: Sequence[int], share: float, seed: int) -> list[Row]:
    training = manifest.indices(rows, "train")
    shares = {"train": 1 - share, "validation": share}
    return _assigned(rows, units, training, shares, seeding.derived(seed, "split"))


def _fold(rows: Sequence[Row], units: Sequence[int], fold: int, fold_0_apart: bool, seed: int) -> list[Row]:
    """The used rows with their split in a fold after the first; ``fold_0_apart`` keeps fold 0 out of it."""
    counts = Counter(row.split for row in rows)
    share = counts["validation"] / (counts["train"] + counts["validation"])
    tested = [replace(row, split="test" if row.fold == fold else "") for row in rows]
    rest = [i for i, row in enumerate(rows) if row.fold != fold and not (fold_0_apart and row.split == "test")]
    shares = {"train": 1 - share, "validation": share}
    return _assigned(tested, units, rest, shares, seeding.derived(seed, "validation", fold))


def _assigned(
    rows: Sequence[Row],
    units: Sequence[int],
    inside: Sequence[int],
    shares: Mapping[str, float],
    rng: np.random.Generator,
) -> list[Row]:
    """The rows, those ``inside`` dealt to the parts by class and unit."""
    labels = [rows[i].label for i in inside]
    parts = dealing.assign([units[i] for i in inside], labels, [*shares.values()], rng)
    dealt = list(rows)
    for index, part in zip(inside, parts, strict=True):
        dealt[index] = replace(rows[index], split=[*shares][part])
    return dealt


def _by_author(rows: Sequence[Row], split: AuthorSplit) -> list[Row]:
    """The author's parts, by path; images in none of them are set aside."""
    return [_by_path(row, _patterns(split)) if row.status == USED else row for row in rows]


def _by_path(row: Row, patterns: Mapping[str, str]) -> Row:
    for split, pattern in patterns.items():
        if matches(row.path, pattern):
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
        if not any(matches(row.path, pattern) for row in rows):
            raise MedcnnError(f"{where}.{part}: '{pattern}' matches no image, such as {rows[0].path}; fix the pattern")
        for label in classes:
            others = [other for other in SPLITS if counts[other, label]]
            if others and not counts[part, label]:
                there = [row for row in rows if matches(row.path, pattern)]
                raise MedcnnError(
                    f"{where}.{part}: the classes of the parts differ: {others[0]} holds '{label}' images and {part} "
                    f"none{_aside(there, label)}; fix the patterns of split or labels.classes{_strays(there)}"
                )


def _aside(rows: Sequence[Row], label: str) -> str:
    """How many images of a class are set aside, and why, for messages; '' where none are."""
    aside = [row for row in rows if row.status == SET_ASIDE and row.label == label]
    return f" ({len(aside)} are set aside, the first as {aside[0].reason})" if aside else ""


def _strays(rows: Sequence[Row]) -> str:
    """The folders of a part whose images are of no class, which tell how a class is spelt there."""
    strays = [row for row in rows if not row.label]
    folders = sorted({PurePosixPath(row.path).parent.as_posix() for row in strays})
    return f"; folders there of no class: {', '.join(folders)}" if folders else ""


def _check_folds(rows: Sequence[Row], units: Sequence[int], study: Study, where: str) -> None:
    """Refuse more folds than a class has images, or than there are groups, outside the test part."""
    used = [row for row in rows if row.status == USED]
    inside = [index for index, row in enumerate(used) if row.split != "test"]
    images = Counter(used[index].label for index in inside)
    counts = {
        f"class '{label}' has {images[label]} images{_aside(rows, label)}": images[label]
        for label in study.labels.class_names
    }
    groups = len({units[index] for index in inside})
    counts[f"there are {groups} patients or sets of duplicates"] = groups
    folds = len(study.split.fold_numbers) - 1
    for told, count in counts.items():
        if count < folds:
            most = count + study.split.folds - folds
            lower = f"set it to {most} or less, or " if most > 2 else ""
            raise MedcnnError(
                f"{where}.folds: {told} outside the test part, fewer than the {folds} folds there; {lower}add images"
            )


def _check_no_leak(rows: Sequence[Row], units: Sequence[int]) -> None:
    inside = [index for index, row in enumerate(rows) if row.split]
    chosen = [rows[index] for index in inside]
    leaks.check_no_leak([units[i] for i in inside], [row.split for row in chosen], [row.path for row in chosen])


def _check_parts(rows: Sequence[Row], split: AuthorSplit | StratifiedSplit, classes: Sequence[str], where: str) -> None:
    present = {(row.split, row.label) for row in rows}
    missing = [(part, label) for part in SPLITS for label in classes if (part, label) not in present]
    if missing:
        part, label = missing[0]
        drawn = isinstance(split, StratifiedSplit) or (part == "validation" and not isinstance(split.validation, str))
        cure = "give that part a larger share" if drawn else "choose another split.on_leak than " + split.on_leak
        raise MedcnnError(f"{where}: no '{label}' image in {part}{_aside(rows, label)}; {cure}, or add images")
