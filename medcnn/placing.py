"""On which side of the split every image stands: drawn by class and group, or as the data's author made it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from medcnn import manifest, seeding, splitting
from medcnn.console import MedcnnError
from medcnn.manifest import SPLITS, USED, Row
from medcnn.params import AuthorSplit, StratifiedSplit, Study


def placed(rows: Sequence[Row], groups: Sequence[int], study: Study, seed: int, where: str) -> list[Row]:
    """The rows with their split and cross-validation fold.

    Args:
        rows: every image, those set aside included.
        groups: the group of each row; no group is parted.
        study: says how to split.
        seed: decides a drawn split, and the folds.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: a class is missing from a part, or a group stands on two sides.
    """
    if isinstance(study.split, AuthorSplit):
        dealt = _by_author(rows, groups, study.split)
    else:
        dealt = _drawn(rows, groups, study.split, seed)
    inside = [index for index, row in enumerate(dealt) if row.status == USED]
    chosen, kept = [dealt[index] for index in inside], [groups[index] for index in inside]
    splitting.check_no_leak(kept, [row.split for row in chosen], [row.path for row in chosen])
    _check_parts(chosen, study, where)
    held_out = [row.split == "test" for row in chosen]
    folds = splitting.folds(kept, [row.label for row in chosen], held_out, study.split.folds, seed)
    for index, fold in zip(inside, folds, strict=True):
        dealt[index] = replace(dealt[index], fold=fold)
    return dealt


def _drawn(rows: Sequence[Row], groups: Sequence[int], split: StratifiedSplit, seed: int) -> list[Row]:
    shares = (1 - split.validation - split.test, split.validation, split.test)
    inside = [index for index, row in enumerate(rows) if row.status == USED]
    parts = splitting.assign(
        [groups[i] for i in inside], [rows[i].label for i in inside], shares, seeding.derived(seed, "split")
    )
    dealt = list(rows)
    for index, part in zip(inside, parts, strict=True):
        dealt[index] = replace(rows[index], split=SPLITS[part])
    return dealt


def _by_author(rows: Sequence[Row], groups: Sequence[int], split: AuthorSplit) -> list[Row]:
    """The author's parts; training images that share a group with a later part are set aside, the test set stays."""
    patterns = {"train": split.train, "validation": split.validation, "test": split.test}
    dealt = [_by_path(row, patterns) if row.status == USED else row for row in rows]
    for later in ("test", "validation"):
        taken = {groups[i] for i, row in enumerate(dealt) if row.split == later}
        earlier = SPLITS[: SPLITS.index(later)]
        dealt = [
            manifest.set_aside(row, f"shares a patient or a duplicate with {later}")
            if row.split in earlier and groups[i] in taken
            else row
            for i, row in enumerate(dealt)
        ]
    return dealt


def _by_path(row: Row, patterns: dict[str, str]) -> Row:
    for split, pattern in patterns.items():
        if fnmatchcase(row.path, pattern):
            return replace(row, split=split)
    return manifest.set_aside(row, "in no part of the author's split")


def _check_parts(rows: Iterable[Row], study: Study, where: str) -> None:
    present = {(row.split, row.label) for row in rows}
    for split in SPLITS:
        for label in study.class_names:
            if (split, label) not in present:
                raise MedcnnError(
                    f"{where}.split: no '{label}' image in {split}; give that part a larger share, or add images"
                )
