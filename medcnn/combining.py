"""Ensembles: probabilities of several models joined by image id, with weights fitted on the validation part only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from medcnn.predictions import Predictions

FITTED = ("weighted",)
"""Combiners fitted on validation: their figures on it are flattered, and no choice among models may rest on them."""
_EM_STEPS = 500


def weights(combiner: str, members: Mapping[str, Predictions]) -> dict[str, float]:
    """The weight of each member, summing to 1.

    ``mean`` weighs all alike; ``weighted`` minimises the cross-entropy of the mixture on the validation part.
    """
    if combiner == "mean":
        return {name: 1 / len(members) for name in members}
    validation = [member.of("validation") for member in members.values()]
    likelihoods = np.stack([_likelihood(part) for part in validation])
    return dict(zip(members, map(float, mixture_weights(likelihoods)), strict=True))


def mixture_weights(likelihoods: np.ndarray) -> np.ndarray:
    """Maximum-likelihood weights of a mixture of fixed components, by expectation-maximisation.

    The log-likelihood is concave in the weights, so the fixed point is the optimum (Dempster, Laird and Rubin,
    J. R. Stat. Soc. B 39, 1977).

    Args:
        likelihoods: (M, N), the probability that each of M models gave to the true class of each of N images.
    """
    shares = np.full(len(likelihoods), 1 / len(likelihoods))
    clipped = np.maximum(likelihoods, 1e-12)
    for _ in range(_EM_STEPS):
        joint = shares[:, None] * clipped
        shares = (joint / joint.sum(axis=0)).mean(axis=1)
    return shares


def combined(members: Mapping[str, Predictions], shares: Mapping[str, float]) -> Predictions:
    """The weighted mean of the members' probabilities."""
    total = sum(shares[name] * member.probabilities for name, member in members.items())
    first = next(iter(members.values()))
    return replace(first, probabilities=np.asarray(total))


def _likelihood(part: Predictions) -> np.ndarray:
    chosen: np.ndarray = part.probabilities[np.arange(len(part.labels)), part.labels]
    return chosen
