"""What ensembles and cascades are worth on validation: each image is answered by a fit that did not see its patient.

What is fitted on the images it is then judged on looks better than it is. So the validation part is dealt into folds of
whole groups, and each fold is answered by a fit on the others (stacking's cross-validated predictions; Wolpert, Neural
Networks 1992): temperature, thresholds and the choice of a model may then rest on these answers as on any network's.
Other images are answered by the fit on all of validation, which has a fifth more images than those that were judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

import numpy as np
import pandas as pd

from medcnn.core import files, seeding
from medcnn.core.arrays import Floats, Integers
from medcnn.dataset.manifest import of_images
from medcnn.dataset.predictions import Predictions
from medcnn.ensemble.combiners import COMBINERS
from medcnn.grouping import dealing
from medcnn.measures import metrics
from medcnn.measures.findings import decided, together

FOLDS = 5


class Joins(Protocol):
    """What joins the probabilities (M, N, C) of M models to (N, C)."""

    def combine(self, probabilities: Floats) -> Floats:
        """The joined probabilities."""


Rule = TypeVar("Rule", bound=Joins)


@dataclass(frozen=True)
class Validation:
    """The validation part, as M models see it; of several findings each decision is an item of its own.

    Attributes:
        models: their names.
        probabilities: (M, N, C).
        labels: (N,) true classes as indices.
        folds: (N,) the cross-validation fold of each item, or None where there can be none, see ``folds``.
    """

    models: tuple[str, ...]
    probabilities: Floats
    labels: Integers
    folds: Integers | None

    def of(self, models: Sequence[str]) -> Validation:
        """The same of some of the models, in that order."""
        places = [self.models.index(model) for model in models]
        return replace(self, models=tuple(models), probabilities=self.probabilities[places])


@dataclass(frozen=True)
class Score:
    """Figures on validation; NaN where there can be no folds."""

    accuracy: float
    cross_entropy: float

    @property
    def missing(self) -> bool:
        """Whether it could not be scored."""
        return math.isnan(self.cross_entropy)


UNSCORED = Score(math.nan, math.nan)


@dataclass(frozen=True)
class Fit(Generic[Rule]):
    """A rule, and what is known of it on validation.

    Attributes:
        rule: fitted on the whole of validation.
        seen: (N, C) probabilities of validation, out of fold; where there can be no folds those of the rule itself.
        score: of ``seen``; missing where they are the rule's own, and flattered.
    """

    rule: Rule
    seen: Floats
    score: Score

    def answers(self, tables: Sequence[Predictions], probabilities: Floats) -> Predictions:
        """The predictions for every image: out of fold on validation, and the rule's own elsewhere.

        Args:
            tables: of the models.
            probabilities: (N, C) of the rule, of every image.
        """
        held_out = tables[0].splits == "validation"
        probabilities = probabilities.copy()
        probabilities[held_out] = together(self.seen, len(tables[0].classes)) if tables[0].multi_label else self.seen
        return replace(tables[0], probabilities=probabilities)


def validation(tables: Mapping[str, Predictions], groups: pd.Series[str], seed: int) -> Validation:
    """The validation part of the predictions of the same images in the same order, by model.

    Args:
        tables: the predictions.
        groups: the group (patient and duplicates) of each image id of the validation part.
        seed: of the folds.

    Raises:
        MedcnnError: a validation image has no group.
    """
    parts = [table.of("validation") for table in tables.values()]
    first, names = parts[0], of_images(parts[0].image_ids, groups)
    if first.multi_label:
        names = np.repeat(names, len(first.classes)).tolist()
    labels, _ = decided(first.labels, first.probabilities)
    probabilities = np.stack([decided(part.labels, part.probabilities)[1] for part in parts])
    return Validation(tuple(tables), probabilities, labels, folds(labels, names, probabilities.shape[2], seed))


def folds(labels: Integers, groups: Sequence[str], classes: int, seed: int) -> Integers | None:
    """The fold of each item: groups stay whole, and classes are spread evenly.

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


def fit(fitter: Callable[[Floats, Integers], Rule], validation: Validation, *, free: bool = False) -> Fit[Rule]:
    """Fit a rule on validation, and score it there on images that it was not fitted on.

    Args:
        fitter: makes the rule of probabilities (M, N, C) and true classes (N,).
        validation: what it is fitted on.
        free: whether the rule has nothing to fit, so that its own answers do not flatter it.
    """
    rule = fitter(validation.probabilities, validation.labels)
    if not free and validation.folds is not None:
        seen = out_of_fold(fitter, validation.probabilities, validation.labels, validation.folds)
        return Fit(rule, seen, _score(validation.labels, seen))
    seen = rule.combine(validation.probabilities)
    return Fit(rule, seen, _score(validation.labels, seen) if free else UNSCORED)


def out_of_fold(
    fitter: Callable[[Floats, Integers], Joins], probabilities: Floats, labels: Integers, folds: Integers
) -> Floats:
    """Probabilities (N, C) of every item from a rule fitted on the other folds."""
    predicted = np.empty(probabilities.shape[1:])
    for fold in np.unique(folds):
        held_out = folds == fold
        rule = fitter(probabilities[:, ~held_out], labels[~held_out])
        predicted[held_out] = rule.combine(probabilities[:, held_out])
    return predicted


def chosen(scores: Mapping[str, Score]) -> str:
    """The combiner of the lowest cross-entropy, to the digits that are written; of equal ones the simplest."""

    def loss(name: str) -> float:
        return math.inf if scores[name].missing else round(scores[name].cross_entropy, files.DIGITS)

    return min((name for name in COMBINERS if name in scores), key=loss)


def _score(labels: Integers, predicted: Floats) -> Score:
    right = predicted.argmax(axis=1) == labels
    return Score(float(right.mean()), metrics.cross_entropy(labels, predicted))
