"""How well somebody who has an image and its label can tell by the model's answer whether it was trained on it.

The attack by loss of Yeom et al. (IEEE Computer Security Foundations Symposium 2018): an image of low loss is called a
member. Its AUROC over training and test images is 0.5 where nothing can be told; better attacks exist, so that it is a
lower bound of what a model gives away.
"""

from __future__ import annotations

import numpy as np

from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.measures import metrics
from medcnn.measures.statistics import intervals
from medcnn.measures.statistics.grouping import Names, numbered


def block(
    labels: Integers, probabilities: Floats, members: Truths, groups: Names, confidence: float
) -> dict[str, float]:
    """What ``metrics/evaluate/S.json`` says of a model's membership.

    Args:
        labels: (N,) true classes of training and test images as indices; of K findings (N, K).
        probabilities: (N, C) that the model gives.
        members: (N,) whether an image was trained on.
        groups: the group of each image; test images of a group that was trained on are left out, as their patient is no
            stranger.
        confidence: of the interval.

    Returns:
        ``auroc`` with its interval; ``advantage``, the share of members less that of others whose loss is at most the
        mean of the members' (Yeom's threshold); ``members`` and ``others``, how many there are.
    """
    numbers = numbered(groups)
    kept = members | ~np.isin(numbers, numbers[members])
    losses, inside, numbers = metrics.log_losses(labels, probabilities)[kept], members[kept], numbers[kept]
    certain = np.exp(-losses)
    truth, scores = inside.astype(np.int64), np.column_stack([1 - certain, certain])
    low, high = intervals.auroc(truth, scores, numbers, confidence)
    below = losses <= metrics.mean(losses[inside])
    return {
        "auroc": metrics.auroc(truth, scores),
        "auroc_low": low,
        "auroc_high": high,
        "advantage": metrics.mean(below[inside]) - metrics.mean(below[~inside]),
        "members": int(inside.sum()),
        "others": int((~inside).sum()),
    }
