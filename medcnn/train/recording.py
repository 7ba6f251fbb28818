"""What a training writes: the model, its predictions, its history and its metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np

from medcnn.core import files, processors
from medcnn.dataset import folds, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.runtime import paths
from medcnn.train.stopping import Progress
from medcnn.train.task import Task

if TYPE_CHECKING:
    import keras

_COMPUTING = ("keras", "numpy", "scikit-learn", "scipy", "tensorflow")
"""Packages whose versions show in a model."""


@dataclass(frozen=True)
class Written:
    """A trained model as it is written.

    Attributes:
        counts: its ``parameters``, its ``trainable_parameters``, and the ``macs`` of one image.
        save: writes it to a path.
    """

    counts: Mapping[str, int]
    save: Callable[[Path], None]

    @classmethod
    def of(cls, model: keras.Model) -> Written:
        """A Keras model as one."""
        from medcnn.networks import saving

        return cls(counts(model), partial(saving.save, model))


def counts(model: keras.Model) -> dict[str, int]:
    """What ``Written`` counts of a Keras model."""
    from medcnn.networks import cost

    return {
        "parameters": cost.parameters(model),
        "trainable_parameters": cost.parameters(model, trainable=True),
        "macs": cost.macs(model),
    }


def record(task: Task, model: Written, progress: Sequence[Progress], probabilities: np.ndarray) -> None:
    """Write what a training made, the model itself last.

    Args:
        task: what was trained.
        model: the trained model.
        progress: how the training of each of its networks went: of a fold ensemble, of which no history is written,
            there are several.
        probabilities: the model's, for every used image, float64 (M, C).
    """
    table = Predictions.of_rows(task.rows, task.classes, probabilities)
    if task.cell != folds.MAIN:
        _record_cell(task, model, table)
        return
    predictions.write(paths.predictions(task.study) / f"{task.name}.csv", table)
    if not task.ensemble:
        _write_history(task, progress[0].history)
    files.write_json(paths.metrics("train", task.study, task.name), _facts(task, progress, model))
    model.save(paths.keras_model(task.study, task.name))


def _write_history(task: Task, history: Sequence[dict[str, Any]]) -> None:
    lines = [[f"{value:.6g}" if isinstance(value, float) else value for value in line.values()] for line in history]
    files.write_csv(paths.plots("train", task.study, task.name) / "history.csv", list(history[0]), lines)


def _record_cell(task: Task, model: Written, table: Predictions) -> None:
    """Write the model and its predictions of the images that have a part in the cell's fold."""
    folder = folds.folder(task.study, task.name, task.cell)
    inside = np.flatnonzero(task.rows["split"] != "")
    predictions.write(folder / folds.PREDICTIONS, table.at(inside))
    model.save(folder / folds.MODEL)


def _facts(task: Task, progress: Sequence[Progress], model: Written) -> dict[str, Any]:
    """``metrics/train/S/M.json``; loss and accuracy are those of the best epoch, by part, the mean over networks."""
    best = [line for each in progress for line in each.history if line["epoch"] == each.best_epoch]
    strength = progress[0].strength if len(progress) == 1 else None
    parts = dict.fromkeys(line["split"] for line in best)
    return {
        "epochs": sum(each.epoch for each in progress),
        "best_epoch": round(mean(each.best_epoch for each in progress)),
        **model.counts,
        **({} if strength is None else {"strength": strength}),
        **({} if len(progress) == 1 else {"networks": len(progress)}),
        **{key: {part: _mean(best, key, part) for part in parts} for key in ("loss", "accuracy")},
        "made": {
            "bytes": task.params.compute.bytes,
            "processor": processors.kind(portable=task.params.compute.portable),
            "packages": {name: metadata.version(name) for name in _COMPUTING},
        },
    }


def _mean(lines: Sequence[dict[str, Any]], key: str, part: str) -> float:
    return mean(line[key] for line in lines if line["split"] == part)
