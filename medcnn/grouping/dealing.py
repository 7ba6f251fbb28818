"""Splits that keep every patient and every set of duplicates whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from medcnn.core import seeding


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
