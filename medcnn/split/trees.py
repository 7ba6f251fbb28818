"""A small regression tree, grown best first like that of scikit-learn, which takes 0.6 s and 60 MB to import."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medcnn.core.arrays import Floats, Integers, Truths

LEAVES = 8
LEAST = 5
"""How many rows a leaf has at least."""
_NOTHING = 1e-9


@dataclass(frozen=True)
class _Cut:
    """Takes the rows of a leaf apart by a threshold of a column; the gain is what that takes off the squared error."""

    gain: float = 0.0
    column: int = 0
    threshold: float = 0.0


def predicted(columns: Floats, targets: Integers, seen: Truths) -> Floats:
    """What a tree of at most ``LEAVES`` leaves says of each row: the mean target (N, C) of the rows seen in its leaf.

    Args:
        columns: (N, K) what is known of each row.
        targets: (N, C) what is to be predicted from that.
        seen: (N,) the rows that the tree is grown on.
    """
    order, leaves = np.argsort(columns, axis=0, kind="stable"), np.zeros(len(columns), np.int64)
    cuts = [_best_cut(columns, order, targets, seen)]
    while len(cuts) < LEAVES:
        widest = max(range(len(cuts)), key=lambda leaf: cuts[leaf].gain)
        cut, new = cuts[widest], len(cuts)
        if cut.gain <= _NOTHING:
            break
        leaves[(leaves == widest) & (columns[:, cut.column] > cut.threshold)] = new
        cuts[widest] = _best_cut(columns, order, targets, seen & (leaves == widest))
        cuts.append(_best_cut(columns, order, targets, seen & (leaves == new)))
    means = np.stack([targets[seen & (leaves == leaf)].mean(axis=0) for leaf in range(len(cuts))])
    predictions: Floats = means[leaves]
    return predictions


def _best_cut(columns: Floats, order: Integers, targets: Integers, members: Truths) -> _Cut:
    """The cut of a leaf that takes most off its squared error.

    Args:
        columns: (N, K).
        order: (N, K) of the rows by each column.
        targets: (N, C).
        members: (N,) the rows of the leaf.
    """
    best = _Cut()
    for column in range(columns.shape[1]):
        rows = order[:, column][members[order[:, column]]]
        values, sums = columns[rows, column], targets[rows].cumsum(axis=0)
        below = np.arange(LEAST, len(rows) - LEAST + 1)
        below = below[values[below - 1] < values[below]]
        if not len(below):
            continue
        left, total = sums[below - 1], sums[-1]
        gains = _weight(left, below) + _weight(total - left, len(rows) - below) - _weight(total, len(rows))
        place = int(gains.argmax())
        if gains[place] > best.gain:
            at = below[place]
            best = _Cut(float(gains[place]), column, float(values[at - 1] + values[at]) / 2)
    return best


def _weight(sums: Integers, counts: Integers | int) -> Floats:
    weight: Floats = (sums.astype(np.float64) ** 2).sum(axis=-1) / counts
    return weight
