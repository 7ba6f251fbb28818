"""The test images as they are looked at on the page: which are shown, and what every model answers to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from medcnn.core import tables
from medcnn.core.arrays import Floats, Integers, Truths
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.dataset.truths import Truth
from medcnn.measures import conformal
from medcnn.measures.calibration import scaled
from medcnn.measures.findings import called
from medcnn.params.shared.classes import Findings
from medcnn.report.pictures import thumbnail
from medcnn.results.evaluated import Evaluated
from medcnn.runtime import paths

BUDGET = 9 * 2**18
"""Bytes of all pictures of test images on a page, as base64: less than half of what a page may have."""
_WEIGHED = 32
"""How many pictures are made to learn how large they are."""
_DIGITS = 4


@dataclass(frozen=True)
class Answers:
    """What one model answers to N images, calibrated as its exported file is.

    Attributes:
        outcomes: of each image, which of the study's outcomes the model says.
        probabilities: (N, C) of the classes.
        sets: which classes (N, C) are in the prediction sets; None of several findings.
    """

    outcomes: list[list[int]]
    probabilities: Floats
    sets: Truths | None

    def at(self, rows: Integers) -> Answers:
        """Of some of the images, in the order of ``rows``."""
        sets = None if self.sets is None else self.sets[rows]
        return Answers([self.outcomes[row] for row in rows], self.probabilities[rows], sets)

    def as_json(self) -> dict[str, Any]:
        """As the page's script reads it; the sets as lists of classes."""
        sets = None if self.sets is None else [np.flatnonzero(row).tolist() for row in self.sets]
        return {"outcomes": self.outcomes, "probabilities": self.probabilities.round(_DIGITS).tolist(), "sets": sets}


@dataclass(frozen=True)
class Explorer:
    """Test images with their pictures.

    Attributes:
        classes: of the study.
        best: the chosen model, whose errors come first.
        rows: image_id, path, label and group of the N images shown.
        truth: of each image, which of the study's outcomes it has.
        answers: by model, the chosen one first.
        pictures: of each image, a data URI.
        sides: width and height of the prepared images.
        total: how many images test has.
        errors: how many of them the chosen model reads wrongly.
    """

    classes: tuple[str, ...]
    best: str
    rows: pd.DataFrame
    truth: list[list[int]]
    answers: Mapping[str, Answers]
    pictures: list[str]
    sides: tuple[int, int]
    total: int
    errors: int

    @property
    def wrong(self) -> list[bool]:
        """Which images the chosen model reads wrongly, these first."""
        return [said != true for said, true in zip(self.answers[self.best].outcomes, self.truth, strict=True)]

    @property
    def grouped(self) -> bool:
        """Whether there are groups of several images."""
        return bool(self.rows["group"].duplicated().any())

    def said(self, row: int) -> str:
        """What the chosen model answers to an image, in words."""
        names = outcomes(self.classes)
        found = [names[index] for index in self.answers[self.best].outcomes[row]]
        if not isinstance(self.classes, Findings):
            return found[0]
        return ", ".join(name for name in found if name in self.classes) or "no finding"

    def as_json(self) -> dict[str, Any]:
        """As the page's script reads it."""
        images = [
            {"id": image.image_id, "path": image.path, "label": image.label, "group": image.group, "truth": true}
            for image, true in zip(self.rows.itertuples(), self.truth, strict=True)
        ]
        return {
            "classes": list(self.classes),
            "outcomes": list(outcomes(self.classes)),
            "images": images,
            "models": {model: answers.as_json() for model, answers in self.answers.items()},
            "order": list(self.answers),
        }


def outcomes(classes: tuple[str, ...]) -> tuple[str, ...]:
    """What confusion is between: classes, or the absence and the presence of each finding."""
    if not isinstance(classes, Findings):
        return classes
    return tuple(outcome for name in classes for outcome in (f"no {name}", name))


def explorer(study: str, best: str, evaluated: Mapping[str, Evaluated], budget: int = BUDGET) -> Explorer | None:
    """The test images of a study: all whose pictures fit, else errors, the least certain, and a sample of the others.

    Args:
        study: its name.
        best: the chosen model.
        evaluated: figures of the models, by which their probabilities are calibrated.
        budget: bytes that the pictures may have, as base64.

    Returns:
        None where the predictions of the chosen model or the prepared pixels are not there, or test is empty.
    """
    known = {model: paths.predicted(study, model) for model in evaluated}
    tested = {model: predictions.read(path).of("test") for model, path in known.items() if path.exists()}
    try:
        pixels = pack.images(paths.prepared(study))
    except MedcnnError:
        return None
    if best not in tested or not len(tested[best]):
        return None
    joined = predictions.joined({best: tested.pop(best), **tested}.items())
    first = joined[best]
    used = manifest.used(paths.manifest(study), "image_id", "path", "label", "group")
    where = tables.positions(first.image_ids, used["image_id"])
    answers = {model: answered(joined[model], evaluated[model]) for model in evaluated if model in joined}
    truth = _outcomes(first.labels, first.classes)
    wrong = np.array([said != true for said, true in zip(answers[best].outcomes, truth, strict=True)], bool)
    order = shown_first(wrong, answers[best].probabilities.max(axis=1))
    weighed = [len(thumbnail(pixels[int(where[row])])) for row in order[:_WEIGHED]]
    rows = few(order, int(wrong.sum()), int(budget / np.mean(weighed)))
    shown = used.iloc[where[rows]].reset_index(drop=True)
    return Explorer(
        classes=first.classes,
        best=best,
        rows=shown.assign(label=shown["label"].str.replace("|", ", ")) if first.multi_label else shown,
        truth=[truth[row] for row in rows],
        answers={model: of_model.at(rows) for model, of_model in answers.items()},
        pictures=[thumbnail(pixels[int(where[row])]) for row in rows],
        sides=(pixels.shape[2], pixels.shape[1]),
        total=len(order),
        errors=int(wrong.sum()),
    )


def answered(table: Predictions, evaluated: Evaluated) -> Answers:
    """The answers of a model from its own probabilities, calibrated by what was fitted on validation."""
    probabilities = scaled(table.probabilities, evaluated.calibration.temperature, table.multi_label)
    fitted = evaluated.conformal
    sets = conformal.sets(probabilities, fitted.threshold) if fitted else None
    if table.multi_label:
        said = [called(table.labels, table.probabilities, index) for index in range(len(table.classes))]
        return Answers(_outcomes(np.stack(said, axis=1).astype(np.int64), table.classes), probabilities, sets)
    return Answers(_outcomes(table.probabilities.argmax(axis=1), table.classes), probabilities, sets)


def shown_first(wrong: Truths, confidence: Floats) -> Integers:
    """All images (N,) by how much they deserve a look: errors, the surest first, then the others, the least sure first.

    Ties go by the order of the images.
    """
    keys = np.where(wrong, -confidence, confidence)
    return np.lexsort((keys, ~wrong))


def few(order: Integers, errors: int, most: int) -> Integers:
    """At most so many of the images: errors, then as many of the least certain as of a sample of the others."""
    left = most - errors
    if most >= len(order) or left <= 0:
        return order[:most]
    doubtful = errors + (left + 1) // 2
    sample = np.linspace(doubtful, len(order) - 1, most - doubtful).round().astype(np.int64)
    return np.concatenate([order[:doubtful], order[sample]])


def _outcomes(truth: Truth, classes: Sequence[str]) -> list[list[int]]:
    """Which outcomes each image has: its class, or of every finding its absence or its presence."""
    found = truth[:, None] if truth.ndim == 1 else truth + 2 * np.arange(len(classes))
    outcomes: list[list[int]] = found.tolist()
    return outcomes
