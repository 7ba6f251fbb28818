"""Groups dealt whole to the parts of a split and to folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from medcnn.core import seeding


def assign(
    groups: npt.ArrayLike, labels: npt.ArrayLike, shares: Sequence[float], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Deal whole groups to parts so that each part holds about its share of every class.

    Groups are dealt largest first, ties in random order, each to the part whose class shares it brings nearest to
    the wanted ones; the greedy rule of scikit-learn's ``StratifiedGroupKFold``, for parts of unequal size.

    Args:
        groups: the group of each item.
        labels: the class of each item, or (N, C) 1 for each class that it has and 0 for others.
        shares: the wanted share of each part, summing to 1.
        rng: breaks ties.

    Returns:
        The part of each item, an index into ``shares``.
    """
    names, group_of = np.unique(groups, return_inverse=True)
    counts = _counted(group_of, np.asarray(labels), len(names))
    images, negative_sizes = counts.sum(axis=0), -counts.sum(axis=1)
    wanted = np.asarray(shares)[:, None]
    filled = np.zeros((len(shares), len(images)))
    part_of = np.zeros(len(names), np.int64)
    shuffled = rng.permutation(len(names))
    for group in shuffled[np.argsort(negative_sizes[shuffled], kind="stable")]:
        fractions = counts[group] / images
        gap_before = (filled - wanted) ** 2
        gap_after = (filled + fractions - wanted) ** 2
        cost = ((gap_after - gap_before) / wanted).sum(axis=1)
        part = int(np.argmin(cost))
        filled[part] += fractions
        part_of[group] = part
    return part_of[group_of]


def _counted(group_of: npt.NDArray[np.int64], labels: npt.NDArray[Any], groups: int) -> npt.NDArray[np.int32]:
    """How many items of each class each group has, (groups, classes)."""
    if labels.ndim == 2:
        counts = np.zeros((groups, labels.shape[1]), np.int32)
        np.add.at(counts, group_of, labels)
        return counts[:, counts.any(axis=0)]
    classes, class_of = np.unique(labels, return_inverse=True)
    counts = np.zeros((groups, len(classes)), np.int32)
    np.add.at(counts, (group_of, class_of), 1)
    return counts


def folds(
    groups: npt.ArrayLike, labels: npt.ArrayLike, tested: npt.ArrayLike, count: int, seed: int
) -> npt.NDArray[np.int64]:
    """The fold of each item, grouped and stratified: 0 for items of the test part, 1 to ``count`` for the others."""
    inside = ~np.asarray(tested, bool)
    rng = seeding.derived(seed, "folds")
    fold_of = np.zeros(len(inside), np.int64)
    fold_of[inside] = 1 + assign(np.asarray(groups)[inside], np.asarray(labels)[inside], [1 / count] * count, rng)
    return fold_of
