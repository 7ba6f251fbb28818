"""What leaks from one part of a split into another, and what a careless split would have leaked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medcnn.core import seeding
from medcnn.core.errors import MedcnnError

RANDOM_DRAWS = 20


def leaked(keys: Sequence[int], parts: Sequence[int]) -> list[bool]:
    """Whether each item shares its key with an item of an earlier part; parts are numbered from 0, training."""
    earliest: dict[int, int] = {}
    for key, part in zip(keys, parts, strict=True):
        earliest[key] = min(part, earliest.get(key, part))
    return [earliest[key] < part for key, part in zip(keys, parts, strict=True)]


def leaked_by_chance(groups: Sequence[int], labels: Sequence[str], held_out: float, seed: int) -> float:
    """Mean share of validation and test images that would share a group with training under a plain random split.

    Args:
        groups: the group of each image.
        labels: the class of each image; the random split is stratified by it.
        held_out: the share of images outside training.
        seed: the root of the draws, of which there are ``RANDOM_DRAWS``.
    """
    rng = seeding.derived(seed, "plain random split")
    draws = [_plain_split(labels, held_out, rng) for _ in range(RANDOM_DRAWS)]
    return float(np.mean([sum(leaked(groups, draw)) / max(sum(draw), 1) for draw in draws]))


def leaked_before_repair(facts: Mapping[str, Any]) -> tuple[int, int]:
    """How many held-out images of a fingerprint leaked before the repair, and of how many."""
    counts = [counts for by_class in facts["before_repair"].values() for counts in by_class.values()]
    return sum(count["any"] for count in counts), sum(count["images"] for count in counts)


def check_no_leak(groups: Sequence[int], splits: Sequence[str], names: Sequence[str]) -> None:
    """Refuse a split in which a group stands on two sides; runs every time, unless the study keeps its leaks."""
    sides: dict[int, dict[str, str]] = defaultdict(dict)
    for group, split, name in zip(groups, splits, names, strict=True):
        sides[group][split] = name
    for found in sides.values():
        if len(found) > 1:
            where = ", ".join(f"{name} in {split}" for split, name in sorted(found.items()))
            raise MedcnnError(f"leak: images of one patient or duplicates on two sides of the split: {where}")


def _plain_split(labels: Sequence[str], held_out: float, rng: np.random.Generator) -> list[int]:
    """The part of each item: 0 is training, 1 is held out."""
    part_of = np.zeros(len(labels), int)
    values = np.asarray(labels)
    for label in sorted(set(labels)):
        members = rng.permutation(np.flatnonzero(values == label))
        part_of[members[: round(held_out * len(members))]] = 1
    return [int(part) for part in part_of]
