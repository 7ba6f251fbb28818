"""How good a combiner is on the validation part, without scoring it on the images that it was fitted on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from medcnn.core import files, seeding
from medcnn.core.arrays import Floats, Integers
from medcnn.ensemble.combiners import COMBINERS, FITTED, Combiner
from medcnn.grouping import dealing
from medcnn.measures import metrics

FOLDS = 5


@dataclass(frozen=True)
class Validation:
    """The validation part, as M models see it.

    Attributes:
        probabilities: (M, N, C).
        labels: (N,) true classes as indices.
        folds: (N,) the cross-validation fold of each image, or None where there can be none, see ``folds``.
    """

    probabilities: Floats
    labels: Integers
    folds: Integers | None


@dataclass(frozen=True)
class Score:
    """Figures of one combiner on validation; NaN where it could not be scored."""

    accuracy: float
    cross_entropy: float

    @property
    def missing(self) -> bool:
        """Whether it could not be scored."""
        return math.isnan(self.cross_entropy)


UNSCORED = Score(math.nan, math.nan)


def folds(labels: Integers, groups: Sequence[str], classes: int, seed: int) -> Integers | None:
    """The fold of each image: groups stay whole, and classes are spread evenly.

    A class of fewer groups than folds is absent from some folds, which does no harm. None where a class is not found
    in at least two: without that fold no combiner would know it.

    Args:
        labels: (N,) true classes as indices.
        groups: N names of groups.
        classes: how many classes there are, images or not.
        seed: breaks ties among groups of equal size.
    """
    numbers = np.unique(list(groups), return_inverse=True)[1]
    rng = seeding.derived(seed, "folds of the ensembles")
    dealt = np.array(dealing.assign(numbers.tolist(), [str(label) for label in labels], [1 / FOLDS] * FOLDS, rng))
    spread = min(len(np.unique(dealt[labels == index])) for index in range(classes))
    return dealt if spread > 1 else None


def scored(name: str, validation: Validation) -> Score:
    """The figures of a combiner: out-of-fold if it is fitted, of the whole part if it has nothing to fit."""
    if name not in FITTED:
        predicted = COMBINERS[name](validation.probabilities, validation.labels).combine(validation.probabilities)
    elif validation.folds is None:
        return UNSCORED
    else:
        predicted = out_of_fold(COMBINERS[name], validation.probabilities, validation.labels, validation.folds)
    right = predicted.argmax(axis=1) == validation.labels
    return Score(float(right.mean()), metrics.cross_entropy(validation.labels, predicted))


def out_of_fold(combiner: Combiner, probabilities: Floats, labels: Integers, folds: Integers) -> Floats:
    """Probabilities (N, C) of every image from a combiner fitted on the other folds."""
    predicted = np.empty(probabilities.shape[1:])
    for fold in np.unique(folds):
        held_out = folds == fold
        fitted = combiner(probabilities[:, ~held_out], labels[~held_out])
        predicted[held_out] = fitted.combine(probabilities[:, held_out])
    return predicted


def chosen(scores: Mapping[str, Score]) -> str:
    """The combiner of the lowest cross-entropy, to the digits that are written; of equal ones the simplest."""

    def loss(name: str) -> float:
        return math.inf if scores[name].missing else round(scores[name].cross_entropy, files.DIGITS)

    return min((name for name in COMBINERS if name in scores), key=loss)
