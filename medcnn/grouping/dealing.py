"""Splits that keep every patient and every set of duplicates whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from medcnn.core import seeding


def joined(count: int, *pairs: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Connected components: for each of ``count`` items the smallest index that it is linked to.

    Args:
        count: how many items there are.
        pairs: indices of linked items, (M, 2) each.
    """
    # Here, since whoever deals images to folds does without SciPy.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = np.concatenate([np.asarray(each, np.int64).reshape(-1, 2) for each in pairs])
    graph = coo_array((np.ones(len(links), np.int8), (links[:, 0], links[:, 1])), shape=(count, count))
    _, names = connected_components(graph, directed=False)
    firsts: npt.NDArray[np.int64] = np.unique(names, return_index=True)[1][names]
    return firsts


def same(keys: pd.Series[str]) -> npt.NDArray[np.int64]:
    """Pairs (M, 2) that link every item with the first of the same key; an empty key links nothing."""
    codes = pd.factorize(keys)[0]
    firsts = np.unique(codes, return_index=True)[1][codes]
    return np.stack([firsts, np.arange(len(keys))], axis=1)[(keys != "").to_numpy()]


def assign(
    groups: npt.ArrayLike, labels: npt.ArrayLike, shares: Sequence[float], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
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
    part_of = np.zeros(len(names), np.int64)
    shuffled = rng.permutation(len(names))
    for group in shuffled[np.argsort(-counts[shuffled].sum(axis=1), kind="stable")]:
        gap_before = (filled - wanted) ** 2
        gap_after = (filled + fractions[group] - wanted) ** 2
        cost = ((gap_after - gap_before) / wanted).sum(axis=1)
        part = int(np.argmin(cost))
        filled[part] += fractions[group]
        part_of[group] = part
    return part_of[group_of]


def folds(
    groups: npt.ArrayLike, labels: npt.ArrayLike, tested: npt.ArrayLike, count: int, seed: int
) -> npt.NDArray[np.int64]:
    """The fold of each item, grouped and stratified: 0 for items of the test part, 1 to ``count`` for the others."""
    inside = ~np.asarray(tested, bool)
    rng = seeding.derived(seed, "folds")
    fold_of = np.zeros(len(inside), np.int64)
    fold_of[inside] = 1 + assign(np.asarray(groups)[inside], np.asarray(labels)[inside], [1 / count] * count, rng)
    return fold_of
