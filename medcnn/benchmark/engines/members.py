"""Engines that run networks as they were trained: the answers are joined and calibrated here, in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from medcnn.benchmark.engines.available import Engine
from medcnn.benchmark.job import Job
from medcnn.ensemble import combined
from medcnn.ensemble.combined import Combined
from medcnn.ensemble.rules import Cascade
from medcnn.measures.calibration import scaled
from medcnn.runtime import paths

Networks = Callable[[np.ndarray], np.ndarray]
"""From images float32 (N, H, W, 3), 0..255, to the raw probabilities (M, N, C) of M networks."""
Together = Callable[[tuple[str, ...]], Networks]
"""Opens networks by their names, to be run on the same images."""


def answering(job: Job, together: Together) -> Engine:
    """The engine of a network, an ensemble or a cascade."""
    raw = _raw(job, together)
    return lambda images: scaled(raw(images), job.temperature, job.multi_label)


def _raw(job: Job, together: Together) -> Engine:
    if not paths.is_combined(job.name):
        network = together((job.name,))
        return lambda images: network(images)[0]
    combination = combined.read(job.study, job.name)
    if isinstance(combination.rule, Cascade):
        return _cascade(combination, combination.rule, together)
    networks = together(combination.members)
    return lambda images: combination.rule.combine(np.asarray(networks(images), np.float64))


def _cascade(combination: Combined, rule: Cascade, together: Together) -> Engine:
    """The second network sees only the images that the first does not answer."""
    first, second = (together((name,)) for name in combination.members)

    def raw(images: np.ndarray) -> np.ndarray:
        both = np.concatenate([first(images)] * 2)
        handed_on = ~rule.first_answers(both[0])
        if handed_on.any():
            both[1, handed_on] = second(images[handed_on])[0]
        return rule.combine(np.asarray(both, np.float64))

    return raw
