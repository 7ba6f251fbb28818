"""What a training writes: the model, its predictions, its history and its metrics."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import keras
import numpy as np

from medcnn.core import files, processors
from medcnn.dataset import folds, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.networks import saving
from medcnn.networks.cost import macs, parameters
from medcnn.runtime import paths
from medcnn.train.stopping import Progress
from medcnn.train.task import Task

_COMPUTING = ("keras", "numpy", "scikit-learn", "scipy", "tensorflow")
"""Packages whose versions show in a model."""


def record(task: Task, model: keras.Model, progress: Progress, probabilities: np.ndarray) -> None:
    """Write what a training made, the model itself last.

    Args:
        task: what was trained.
        model: the trained model.
        progress: how the training went.
        probabilities: the model's, for every used image, float64 (M, C).
    """
    table = Predictions.of_rows(task.rows, task.classes, probabilities)
    if task.cell != folds.MAIN:
        _record_cell(task, model, table)
        return
    predictions.write(paths.predictions(task.study) / f"{task.name}.csv", table)
    history = progress.history
    lines = [[f"{value:.6g}" if isinstance(value, float) else value for value in line.values()] for line in history]
    files.write_csv(paths.plots("train", task.study, task.name) / "history.csv", list(history[0]), lines)
    files.write_json(paths.metrics("train", task.study, task.name), _facts(task, progress, model))
    saving.save(model, paths.keras_model(task.study, task.name))


def _record_cell(task: Task, model: keras.Model, table: Predictions) -> None:
    """Write the model and its predictions of the images that have a part in the cell's fold."""
    folder = folds.folder(task.study, task.name, task.cell)
    inside = np.flatnonzero(task.rows["split"] != "")
    predictions.write(folder / folds.PREDICTIONS, table.at(inside))
    saving.save(model, folder / folds.MODEL)


def _facts(task: Task, progress: Progress, model: keras.Model) -> dict[str, Any]:
    """``metrics/train/S/M.json``; loss and accuracy are those of the best epoch, by part."""
    best = [line for line in progress.history if line["epoch"] == progress.best_epoch]
    return {
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "parameters": parameters(model),
        "trainable_parameters": parameters(model, trainable=True),
        "macs": macs(model),
        **({} if progress.strength is None else {"strength": progress.strength}),
        "loss": {line["split"]: line["loss"] for line in best},
        "accuracy": {line["split"]: line["accuracy"] for line in best},
        "made": {
            "bytes": task.params.compute.bytes,
            "processor": processors.kind(portable=task.params.compute.portable),
            "packages": {name: metadata.version(name) for name in _COMPUTING},
        },
    }
