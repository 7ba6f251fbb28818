"""The fingerprint of an image set: what it holds, what is wrong with it, what a careless split would have leaked."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from medcnn.dataset.manifest import SPLITS, USED, Row
from medcnn.grouping import dealing, leaks
from medcnn.params.splits import OnLeak
from medcnn.split.surveying import Relatives, Survey


def fingerprint(survey: Survey, on_leak: OnLeak, seed: int) -> dict[str, Any]:
    """Counts of everything that a reader should know before believing a figure; a tree of plain numbers.

    Args:
        survey: what was found.
        on_leak: what became of patients and duplicates on two sides of the split.
        seed: the root of the random splits that it is compared with.
    """
    used = [index for index, row in enumerate(survey.rows) if row.status == USED]
    rows = [survey.rows[index] for index in used]
    patients = [survey.relatives.patients[index] for index in used]
    return {
        "images": len(survey.rows),
        "used": len(rows),
        "set_aside": _counted(row.reason.split(":")[0] for row in survey.rows if row.status != USED),
        "classes": _counted(row.label for row in rows),
        "groups": len({survey.relatives.groups[index] for index in used}),
        "patients": len({*patients} - {""}) or None,
        "without_patient": patients.count(""),
        "sizes": _sizes(rows),
        "modes": _counted(row.mode for row in rows),
        "duplicates": _duplicates(survey.relatives),
        "splits": {split: _counted(row.label for row in rows if row.split == split) for split in SPLITS},
        "on_leak": on_leak,
        "before_repair": _before_repair(survey),
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


def _duplicates(relatives: Relatives) -> dict[str, int]:
    exact, near = _sets(relatives.exact), _sets(relatives.near)
    return {
        "exact_groups": len(exact),
        "exact_images": sum(exact),
        "near_groups": len(near),
        "near_images": sum(near),
    }


def _sets(members: Sequence[int]) -> list[int]:
    """Sizes of the sets of two or more."""
    return [size for size in Counter(members).values() if size > 1]


def _before_repair(survey: Survey) -> dict[str, dict[str, dict[str, int]]]:
    """What the split leaks as it was published or drawn image by image, per held-out part and class.

    An image counts where an earlier part (train; for test also validation) holds an exact copy of it, a near
    duplicate (exact copies are among them), another image of its patient, or any of these and of their relatives.
    """
    inside = [index for index, split in enumerate(survey.published) if split]
    parts = [SPLITS.index(survey.published[index]) for index in inside]
    relatives = survey.relatives
    patients = dealing.joined(len(survey.rows), dealing.same(relatives.patients))
    kinds = {"exact_copy": relatives.exact, "near_duplicate": relatives.near, "patient": patients}
    leaking = {
        kind: leaks.leaked([keys[index] for index in inside], parts)
        for kind, keys in {**kinds, "any": relatives.groups}.items()
    }
    found: dict[str, dict[str, dict[str, int]]] = {split: {} for split in SPLITS[1:]}
    for place, (index, part) in enumerate(zip(inside, parts, strict=True)):
        if part:
            counts = found[SPLITS[part]].setdefault(survey.rows[index].label, dict.fromkeys(("images", *leaking), 0))
            counts["images"] += 1
            for kind, flags in leaking.items():
                counts[kind] += flags[place]
    return found


def _leak(survey: Survey, used: Sequence[int], seed: int) -> dict[str, float]:
    groups = [survey.relatives.groups[index] for index in used]
    rows = [survey.rows[index] for index in used]
    parts = [SPLITS.index(row.split) for row in rows]
    held_out = sum(part > 0 for part in parts)
    by_chance = leaks.leaked_by_chance(groups, [row.label for row in rows], held_out / len(rows), seed)
    return {
        "held_out_images": held_out,
        "random_split_images": by_chance * held_out,
        "random_split_fraction": by_chance,
        "this_split": sum(leaks.leaked(groups, parts)),
    }


def _digest(rows: Sequence[Row]) -> str:
    lines = sorted(f"{row.sha256} {row.label}" for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
