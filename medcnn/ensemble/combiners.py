"""The combiners: each is fitted on images of known class, and then joins the models' probabilities of any images."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from medcnn.core.arrays import Floats, Integers
from medcnn.ensemble.rules import Dense, Fitted, Join, Vote, WeightedMean, as_written, joined
from medcnn.measures.metrics import SMALLEST

IMPOSSIBLE = -1e4
"""The logit of a class that a dense softmax never saw: its probability is 0."""
_EM_STEPS = 500
_DRAWS = 100
_LOSS_DIGITS = 12


Combiner = Callable[[Floats, Integers], Fitted]
"""Fits a rule on the probabilities (M, N, C) of M models, and the true classes (N,) of the N images."""


def mean(probabilities: Floats, labels: Integers) -> Fitted:
    """All models alike."""
    return _weighted_mean(np.full(len(probabilities), 1 / len(probabilities)))


def vote(probabilities: Floats, labels: Integers) -> Fitted:
    """The majority of the models."""
    return Vote()


def weighted(probabilities: Floats, labels: Integers) -> Fitted:
    """The weighted mean of the lowest cross-entropy."""
    return _weighted_mean(mixture_weights(_of_truth(probabilities, labels)))


def greedy(probabilities: Floats, labels: Integers) -> Fitted:
    """The mean of models drawn one by one with replacement, see ``greedy_draws``."""
    draws = greedy_draws(_of_truth(probabilities, labels))
    return _weighted_mean(draws / draws.sum())


def mean_dense(probabilities: Floats, labels: Integers) -> Fitted:
    """The mean of the models, followed by a trained dense softmax: the chest CT study's stacking."""
    return _dense("mean", probabilities, labels)


def concat_dense(probabilities: Floats, labels: Integers) -> Fitted:
    """All probabilities of all models, followed by a trained dense softmax: the chest CT study's stacking."""
    return _dense("concat", probabilities, labels)


# Of two equally good combiners the first is chosen. The mean fits nothing, and neither does the vote, which also
# throws confidence away; a weighted mean has M - 1 weights at their one optimum, a greedy one as many found by a
# search; a dense softmax has C + 1 numbers a class on the mean, and M * C + 1 on the concatenation.
FITTED: Mapping[str, Combiner] = {
    "weighted": weighted,
    "greedy": greedy,
    "mean_dense": mean_dense,
    "concat_dense": concat_dense,
}
"""Combiners fitted on validation: only out of fold are their answers there like those of a model that never saw it."""
COMBINERS: Mapping[str, Combiner] = {"mean": mean, "vote": vote, **FITTED}
"""All combiners, the simpler first."""


def mixture_weights(likelihoods: Floats) -> Floats:
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


def greedy_draws(likelihoods: Floats) -> Integers:
    """How often each model is drawn by greedy selection with replacement (Caruana et al., ICML 2004).

    It starts from the best few models, as many as do best together; each further draw is the one that leaves the
    lowest cross-entropy, and of all sets on that path the best is returned, of equally good ones the smallest.

    Args:
        likelihoods: (M, N), the probability that each of M models gave to the true class of each of N images.
    """
    single = np.eye(len(likelihoods), dtype=np.int64)
    ranking = np.argsort(_losses(single, likelihoods), kind="stable")
    path = [_best(np.cumsum(single[ranking], axis=0), likelihoods)]
    for _ in range(_DRAWS):
        path.append(_best(path[-1] + single, likelihoods))
    return _best(np.stack(path), likelihoods)


def _best(draws: Integers, likelihoods: Floats) -> Integers:
    return draws[_losses(draws, likelihoods).argmin()]


def _losses(draws: Integers, likelihoods: Floats) -> Floats:
    """The cross-entropy of each of K ensembles, from how often each draws each model, (K, M)."""
    shares = draws / draws.sum(axis=1, keepdims=True)
    # Rounded, so that equally good ensembles tie however a machine sums.
    return -np.log((shares @ likelihoods).clip(SMALLEST)).mean(axis=1).round(_LOSS_DIGITS)


def _dense(join: Join, probabilities: Floats, labels: Integers) -> Dense:
    """Multinomial logistic regression, scikit-learn's with its own L2 penalty: on few images, none would overfit."""
    from sklearn.linear_model import LogisticRegression

    features = joined(join, probabilities)
    fitted = LogisticRegression(tol=1e-8, max_iter=10_000).fit(features, labels)
    kernel = np.zeros((features.shape[1], probabilities.shape[2]))
    bias = np.full(probabilities.shape[2], IMPOSSIBLE)
    # Of two classes scikit-learn gives the logit of the second over the first.
    of_one = len(fitted.classes_) == 2
    kernel[:, fitted.classes_] = np.vstack([0 * fitted.coef_, fitted.coef_]).T if of_one else fitted.coef_.T
    bias[fitted.classes_] = np.append(0, fitted.intercept_) if of_one else fitted.intercept_
    return Dense(join, as_written(kernel), as_written(bias))


def _weighted_mean(weights: Floats) -> WeightedMean:
    return WeightedMean(as_written(weights))


def _of_truth(probabilities: Floats, labels: Integers) -> Floats:
    return probabilities[:, np.arange(len(labels)), labels]
