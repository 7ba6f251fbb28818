"""Splits that part no patient and no set of duplicates, and a count of what a careless split would have leaked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from medcnn.core import seeding
from medcnn.core.errors import MedcnnError

RANDOM_DRAWS = 20


def joined(count: int, pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Connected components (union-find): for each of ``count`` items the smallest index it is linked to."""
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for a, b in pairs:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return [root(item) for item in range(count)]


def same(keys: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Pairs that link the items of equal, non-empty keys."""
    first: dict[str, int] = {}
    for index, key in enumerate(keys):
        if key:
            yield first.setdefault(key, index), index


def assign(
    groups: Sequence[int], labels: Sequence[str], shares: Sequence[float], rng: np.random.Generator
) -> list[int]:
    """Deal whole groups to parts so that each part holds about its share of every class.

    Groups are dealt largest first, ties in random order, each to the part whose class shares it brings nearest to
    the wanted ones; the greedy rule of scikit-learn's ``StratifiedGroupKFold``, for parts of unequal size.

    Args:
        groups: the group of each item.
        labels: the class of each item.
        shares: the wanted share of each part, summing to 1.
        rng: breaks ties.

    Returns:
        The part of each item, an index into ``shares``.
    """
    names, group_of = np.unique(groups, return_inverse=True)
    classes, class_of = np.unique(labels, return_inverse=True)
    counts = np.zeros((len(names), len(classes)))
    np.add.at(counts, (group_of, class_of), 1)
    fractions = counts / counts.sum(axis=0)
    wanted = np.asarray(shares)[:, None]
    filled = np.zeros((len(shares), len(classes)))
    part_of = np.zeros(len(names), int)
    shuffled = rng.permutation(len(names))
    for group in shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]:
        gap_before = (filled - wanted) ** 2
        gap_after = (filled + fractions[group] - wanted) ** 2
        cost = ((gap_after - gap_before) / wanted).sum(axis=1)
        part = int(np.argmin(cost))
        filled[part] += fractions[group]
        part_of[group] = part
    return [int(part) for part in part_of[group_of]]


def folds(groups: Sequence[int], labels: Sequence[str], tested: Sequence[bool], count: int, seed: int) -> list[int]:
    """The fold of each item, grouped and stratified: 0 for items of the test part, 1 to ``count`` for the others."""
    inside = [index for index, test in enumerate(tested) if not test]
    rng = seeding.derived(seed, "folds")
    parts = assign([groups[i] for i in inside], [labels[i] for i in inside], [1 / count] * count, rng)
    fold_of = dict(zip(inside, parts, strict=True))
    return [fold_of[index] + 1 if index in fold_of else 0 for index in range(len(groups))]


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
