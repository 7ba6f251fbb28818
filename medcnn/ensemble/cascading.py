"""Cascades: a cheap first model answers where it is confident, and the second model answers everything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from medcnn.core import files
from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.dataset.predictions import Predictions
from medcnn.ensemble import choosing
from medcnn.ensemble.choosing import Score, Validation
from medcnn.ensemble.rules import Cascade, confidence
from medcnn.measures.calibration import best_temperature, scaled
from medcnn.results import base, networks
from medcnn.runtime import paths


@dataclass(frozen=True)
class Cost:
    """Multiply-accumulates for one image: of either model, and of the cascade on average over the test part.

    The first model always runs, and the second from the image on, even where it is a chain that begins with the first.
    """

    first: int
    second: int
    mean: int


@dataclass(frozen=True)
class Cascaded:
    """A fitted cascade of two models of a run.

    Attributes:
        first: the name of the model that is asked first.
        second: that of the other.
        cascade: fitted on the whole of validation.
        predictions: of every image; those of validation out of fold.
        score: on validation, of the predictions there.
        first_share: the share of images that the first model answers, of validation and of test.
        cost: what an answer costs.
    """

    first: str
    second: str
    cascade: Cascade
    predictions: Predictions
    score: Score
    first_share: dict[str, float]
    cost: Cost

    def record(self) -> dict[str, Any]:
        """What ``metrics/ensemble/S.json`` says of the cascade."""
        return {
            "first": self.first,
            "second": self.second,
            **asdict(self.cascade),
            **({} if self.score.missing else {"validation": asdict(self.score)}),
            "first_share": self.first_share,
            "macs": asdict(self.cost),
        }


def cascaded(
    tables: Mapping[str, Predictions], pair: tuple[str, str], macs: Mapping[str, int], validation: Validation
) -> Cascaded:
    """Fit the cascade of a pair of models on validation, and apply it to every image.

    Args:
        tables: predictions of the same images in the same order, by model.
        pair: the first model's name, and the second's.
        macs: multiply-accumulates of each model for one image.
        validation: of the pair.
    """
    first, second = (tables[name] for name in pair)
    found = choosing.fit(fitted, validation)
    cascade = found.rule
    shares = {
        split: float(cascade.first_answers(first.of(split).probabilities).mean()) for split in ("validation", "test")
    }
    first_macs, second_macs = (macs[name] for name in pair)
    mean = first_macs + round((1 - shares["test"]) * second_macs)
    joined = cascade.combine(np.stack([first.probabilities, second.probabilities]))
    answers = found.answers([first, second], joined)
    return Cascaded(*pair, cascade, answers, found.score, shares, Cost(first_macs, second_macs, mean))


def mean_macs(
    macs: Mapping[str, int], ensembles: Mapping[str, Iterable[str]], cascades: Mapping[str, Cascaded]
) -> dict[str, int]:
    """Multiply-accumulates for one image, by the name of model, ensemble or cascade; of a cascade the mean over test.

    Args:
        macs: of each trained model.
        ensembles: the models that each must run, by combiner.
        cascades: by name.
    """
    of_ensembles = {f"ensemble_{name}": sum(macs[member] for member in members) for name, members in ensembles.items()}
    of_cascades = {name: made.cost.mean for name, made in cascades.items()}
    return {**macs, **of_ensembles, **of_cascades}


def macs(study: str, model: str) -> int:
    """Multiply-accumulates of a trained model for one image.

    Raises:
        MedcnnError: training did not record them.
    """
    return base.read(paths.metrics("train", study, model), networks.Trained).macs


def fitted(probabilities: Floats, labels: Integers) -> Cascade:
    """The cascade of two models, from their probabilities (2, N, C) and the true classes (N,) of the same images.

    Both numbers are rounded to the digits that the metrics are written with, so that what is read there is exactly
    what decided.
    """
    first, second = probabilities
    temperature = best_temperature(first, labels)
    confidences = confidence(scaled(first, temperature))
    first_right, second_right = (part.argmax(axis=1) == labels for part in (first, second))
    return Cascade(temperature, cheapest_threshold(confidences, first_right, second_right))


def cheapest_threshold(confidences: Floats, first_right: Truths, second_right: Truths) -> float:
    """The lowest threshold at which the cascade is right as often as the second model alone, or more often.

    The lower the threshold, the more images the first model answers, and the lower the mean cost. Thresholds lie
    midway between neighbouring confidences, or are 0 (the first model alone) or 1 (the second alone, always as good).

    Args:
        confidences: (N,) the first model's, calibrated, in 0..1.
        first_right: (N,) whether the first model's class is the true one.
        second_right: (N,) the same of the second model.
    """
    levels = np.unique(confidences)
    midways = ((levels[1:] + levels[:-1]) / 2).round(files.DIGITS)
    thresholds = np.unique(np.concatenate([[0.0], midways, [1.0]]))
    order = np.argsort(confidences)
    handed_on = np.searchsorted(confidences[order], thresholds, side="right")
    first_so_far, second_so_far = (np.append(0, np.cumsum(part[order])) for part in (first_right, second_right))
    right = first_so_far[-1] - first_so_far[handed_on] + second_so_far[handed_on]
    return float(thresholds[np.argmax(right >= second_so_far[-1])])
