"""Whose probabilities labels are held against: never those of a network that was trained on the image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from pandas.api.types import union_categoricals

from medcnn.core import tables
from medcnn.dataset import predictions
from medcnn.dataset.folds import PREDICTIONS
from medcnn.dataset.manifest import SPLITS
from medcnn.dataset.predictions import Predictions
from medcnn.measures import metrics
from medcnn.params.shared.run import Repeated, fold_ensemble
from medcnn.results.suspects import How
from medcnn.runtime import paths


@dataclass(frozen=True)
class Answers:
    """Probabilities of images that their network was not trained on.

    Attributes:
        model: whose they are.
        how: of which images: see ``results.suspects.How``.
        table: those images.
    """

    model: str
    how: How
    table: Predictions


def unseen(study: str, run: Repeated, best: str) -> Answers:
    """The answers that cover most images.

    A fold ensemble says something of every image, its training images included; else the test parts of the folds of
    cross-validation do, with validation and test of the split. Where there are neither, validation and test of the
    chosen model are all that is known.

    Args:
        study: its name.
        run: what was trained.
        best: the chosen model.

    Raises:
        MedcnnError: predictions are missing.
    """
    if run.fold_ensembles:
        model, table = _lowest(study, map(fold_ensemble, run.fold_ensembles))
        return Answers(model, "fold_ensemble", table)
    if len(run.folds) > 1:
        model, table = _lowest(study, [best] if best in run.single else run.single)
        return Answers(model, "folds", _with_folds(study, model, run, _held_out(table)))
    return Answers(best, "held_out", _held_out(predictions.read(paths.predicted(study, best))))


def _lowest(study: str, models: Iterable[str]) -> tuple[str, Predictions]:
    """The model of the lowest cross-entropy on validation, the first of equal ones, and its predictions."""
    read = [(model, predictions.read(paths.predicted(study, model))) for model in models]
    held_out = [table.of("validation") for _, table in read]
    losses = [metrics.cross_entropy(part.labels, part.probabilities) for part in held_out]
    return read[int(np.argmin(losses))]


def _held_out(table: Predictions) -> Predictions:
    return table.at(np.flatnonzero(table.splits != SPLITS[0]))


def _with_folds(study: str, model: str, run: Repeated, held_out: Predictions) -> Predictions:
    """What each fold tests, the mean over repeats, and behind that the images which no fold tests."""
    repeats = [repeat for repeat in run.seeds if run.again(model, repeat)]
    parts = [_over_repeats(study, model, fold, repeats) for fold in run.folds if fold and repeats]
    tested = [image_id for part in parts for image_id in part.image_ids]
    others = held_out.at(np.flatnonzero(tables.positions(held_out.image_ids, tested) < 0))
    return reduce(_stacked, parts, others)


def _over_repeats(study: str, model: str, fold: int, repeats: Sequence[int]) -> Predictions:
    read = [predictions.read(paths.cell(study, model, fold, repeat) / PREDICTIONS).of("test") for repeat in repeats]
    same = predictions.joined((str(repeat), table) for repeat, table in zip(repeats, read, strict=True))
    return replace(read[0], probabilities=np.mean([table.probabilities for table in same.values()], axis=0))


def _stacked(first: Predictions, second: Predictions) -> Predictions:
    return replace(
        first,
        image_ids=first.image_ids.append(second.image_ids),
        splits=union_categoricals([first.splits, second.splits]),
        labels=np.concatenate([first.labels, second.labels]),
        probabilities=np.concatenate([first.probabilities, second.probabilities]),
    )
