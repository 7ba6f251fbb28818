"""Prevalence shift: how common classes are elsewhere, estimated without labels, and probabilities corrected for it.

Saerens, Latinne and Decaestecker (Neural Computation 2002). It holds where images of a class look alike in both places
and only the shares of the classes differ; a new scanner is no such shift, and may be taken for one.
"""

from __future__ import annotations

import numpy as np

from medcnn.core.arrays import Floats
from medcnn.measures import metrics

_STEPS = 10_000
_SETTLED = 1e-9


def corrected(probabilities: Floats, prior: Floats, new: Floats) -> Floats:
    """Probabilities (N, C) as they would be with other shares of the classes (their equation 2.4).

    Args:
        probabilities: of the classes, where their shares are as in ``prior``.
        prior: (C,) the shares that the probabilities rest on, each above 0.
        new: (C,) the shares where the images come from.
    """
    weighed = probabilities.clip(metrics.SMALLEST) * (new / prior)
    return weighed / weighed.sum(axis=1, keepdims=True)


def estimated(probabilities: Floats, prior: Floats) -> Floats:
    """The shares (C,) of the classes among some images, of the greatest likelihood given a model's probabilities.

    Expectation maximisation (their equation 2.9): probabilities are corrected for the shares, and the shares are the
    means of the corrected probabilities, in turn, from ``prior`` on, until neither moves.

    Args:
        probabilities: (N, C) for the images, N at least 1.
        prior: (C,) the shares that the probabilities rest on, each above 0.
    """
    new = prior
    for _ in range(_STEPS):
        before, new = new, corrected(probabilities, prior, new).mean(axis=0)
        if np.abs(new - before).max() < _SETTLED:
            break
    return new
