"""The fingerprint of an image set: what it holds, what is wrong with it, what a careless split would have leaked."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from medcnn import splitting
from medcnn.manifest import SPLITS, USED, Row
from medcnn.surveying import Survey


def fingerprint(survey: Survey, seed: int) -> dict[str, Any]:
    """Counts of everything that a reader should know before believing a figure; a tree of plain numbers."""
    used = [index for index, row in enumerate(survey.rows) if row.status == USED]
    rows = [survey.rows[index] for index in used]
    patients = {survey.patients[index] for index in used} - {""}
    return {
        "images": len(survey.rows),
        "used": len(rows),
        "set_aside": _counted(row.reason.split(":")[0] for row in survey.rows if row.status != USED),
        "classes": _counted(row.label for row in rows),
        "groups": len({survey.groups[index] for index in used}),
        "patients": len(patients) or None,
        "without_patient": sum(not survey.patients[index] for index in used),
        "sizes": _sizes(rows),
        "modes": _counted(row.mode for row in rows),
        "duplicates": _duplicates(survey),
        "splits": {split: _counted(row.label for row in rows if row.split == split) for split in SPLITS},
        "leak": _leak(survey, used, seed),
        "fingerprint": _digest(rows),
    }


def _counted(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _sizes(rows: Sequence[Row]) -> dict[str, int]:
    widths, heights = [row.width for row in rows], [row.height for row in rows]
    return {
        "min_width": min(widths),
        "max_width": max(widths),
        "min_height": min(heights),
        "max_height": max(heights),
        "distinct": len(set(zip(widths, heights, strict=True))),
    }


def _duplicates(survey: Survey) -> dict[str, int]:
    exact, near = _sets(survey.exact), _sets(survey.near)
    return {
        "exact_groups": len(exact),
        "exact_images": sum(exact),
        "near_groups": len(near),
        "near_images": sum(near),
    }


def _sets(members: Sequence[int]) -> list[int]:
    """Sizes of the sets of two or more."""
    return [size for size in Counter(members).values() if size > 1]


def _leak(survey: Survey, used: Sequence[int], seed: int) -> dict[str, float]:
    groups = [survey.groups[index] for index in used]
    rows = [survey.rows[index] for index in used]
    in_train = [row.split == "train" for row in rows]
    held_out = len(in_train) - sum(in_train)
    by_chance = splitting.leaked_by_chance(groups, [row.label for row in rows], held_out / len(in_train), seed)
    return {
        "held_out_images": held_out,
        "random_split_images": by_chance * held_out,
        "random_split_fraction": by_chance,
        "this_split": len(splitting.leaked(groups, in_train)),
    }


def _digest(rows: Sequence[Row]) -> str:
    lines = sorted(f"{row.sha256} {row.label}" for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
