"""Train a model on a prepared study: the head of a frozen backbone on its features, or the whole network."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from medcnn.core import files, seeding
from medcnn.core.errors import MedcnnError
from medcnn.dataset import augment, folds, manifest, pack, predictions
from medcnn.dataset.manifest import Row
from medcnn.dataset.predictions import Predictions
from medcnn.dataset.shards import Rows, Shards
from medcnn.dataset.views import Recipe
from medcnn.networks import preprocessing, saving
from medcnn.networks.building import build, extractor, unfreeze
from medcnn.networks.cost import macs
from medcnn.networks.forward import forward
from medcnn.networks.precision import in_bfloat16
from medcnn.params import Params
from medcnn.params.catalogue import ADAPTED
from medcnn.params.models import Model
from medcnn.runtime import paths
from medcnn.train import backups, features
from medcnn.train.backups import Backup
from medcnn.train.batches import Batches, Features, Inputs, Part, Pixels, balanced
from medcnn.train.fitting import Data, Learner, Loss, check_parts, cross_entropy, fit, focal
from medcnn.train.stopping import Phase, Progress

_CODE = (*sorted(Path(__file__).parent.glob("*.py")), Path(seeding.__file__), Path(augment.__file__))
"""Whatever decides the course of a training: an interrupted one goes on only with the same code."""


@dataclass(frozen=True)
class Task:
    """One training: which study, under which name, with which settings, in which fold and repeat."""

    params: Params
    study: str
    name: str
    settings: Model
    fold: int = 0
    repeat: int = 0

    @property
    def seed(self) -> int:
        """Of everything that the training draws."""
        return self.params.seed + self.repeat

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the network's outputs."""
        return self.params.study(self.study).class_names

    @property
    def policy(self) -> str | None:
        """The name of the augmentation policy that the model trains with."""
        return self.params.policy(self.study, self.settings)


@dataclass(frozen=True)
class Trained:
    """How a training went, and the model's probabilities (N, C) of every used image."""

    progress: Progress
    probabilities: np.ndarray


@dataclass(frozen=True)
class _Session:
    """A task with what all its phases need: the used images, their pixels and classes, and the backup."""

    task: Task
    rows: list[Row]
    pixels: Shards
    labels: np.ndarray
    backup: Backup

    @property
    def training(self) -> list[int]:
        """Positions of the training images."""
        return manifest.indices(self.rows, "train")

    def data(self, everything: Rows, inputs: Inputs) -> Data:
        """Training inputs in batches, and the validation part of ``everything``."""
        settings, labels = self.task.settings, self.labels[self.training]
        weights = np.ones(len(labels), np.float32)
        if settings.class_weights and settings.loss != "focal":
            weights = balanced(labels, len(self.task.classes))[labels]
        validation = manifest.indices(self.rows, "validation")
        threads = self.task.params.compute.cpus_per_task
        return Data(
            Batches(inputs, labels, weights, settings.batch_size, self.task.seed, threads),
            Part(everything, self.labels, validation, settings.batch_size),
        )

    def loss(self) -> Loss:
        """The loss of an image; the class weights of a focal loss are its alpha."""
        settings, classes = self.task.settings, len(self.task.classes)
        if settings.loss == "cross_entropy":
            return cross_entropy
        return focal(
            balanced(self.labels[self.training], classes) if settings.class_weights else np.ones(classes, np.float32)
        )


def untrained(task: Task) -> keras.Model:
    """The network of a task, its backbone with pretrained weights where the params ask for them.

    Raises:
        MedcnnError: see ``building.build``.
    """
    study, measured = task.params.study(task.study), None
    if task.settings.preprocessing == ADAPTED:
        training = manifest.indices(folds.rows(task.study, task.fold), "train")
        measured = preprocessing.measured(pack.images(paths.prepared(task.study)), training)
    return build(task.settings, study.image_size, len(task.classes), paths.weights(task.name), measured)


def train(task: Task, model: keras.Model) -> None:
    """Train a model, then write it, its predictions of every used image, its history and its metrics.

    A frozen backbone runs over the images once, and the head alone is trained on its features. With ``finetune``, all
    but the first layers of the backbone are trained as well afterwards, for as long as validation says that it helps.
    In a cell other than the main one only the model and the predictions of the fold's images are written.

    Args:
        task: what is trained, and how.
        model: image to probabilities, in float32, with the layers ``preprocessing``, ``backbone`` and ``head``.

    Raises:
        MedcnnError: a part lacks images, the model wants views that the study does not prepare, or see ``fitting.fit``.
    """
    rows = folds.rows(task.study, task.fold)
    check_parts(rows, task.classes, f"studies.{task.study}.split")
    labels = np.array([task.classes.index(row.label) for row in rows])
    with backups.claim(_identity(task, rows, model)) as backup:
        session = _Session(task, rows, pack.images(paths.prepared(task.study)), labels, backup)
        record = _record if (task.fold, task.repeat) == folds.MAIN else _record_cell
        record(session, model, _trained(session, model))
        backup.forget()


def cache_features(task: Task, model: keras.Model, images: Shards) -> None:
    """Compute the features that ``train`` needs of some images, where the backbone of ``model`` is frozen."""
    features.extracted(extractor(_computing(task, model)), images)


def _computing(task: Task, model: keras.Model) -> keras.Model:
    """The model in the precision that it is to compute in."""
    return in_bfloat16(model) if task.params.compute.precision == "bfloat16" else model


def _trained(session: _Session, model: keras.Model) -> Trained:
    settings = session.task.settings
    # Kept apart, because what is written computes in float32.
    computing = _computing(session.task, model)
    phase = Phase(1, settings, settings.learning_rate, 0, settings.epochs)
    if model.get_layer("backbone").trainable:
        progress = _fit_whole(session, computing, phase, Progress())
        part, inputs = model, session.pixels
    else:
        progress, inputs = _fit_head(session, computing, phase)
        part = model.get_layer("head")
    if settings.finetune:
        for each in (model, computing):
            unfreeze(each, settings.finetune.unfreeze_from)
        last = progress.epoch + settings.finetune.epochs
        phase = Phase(2, settings, settings.finetune.learning_rate, progress.epoch, last)
        progress = _fit_whole(session, computing, phase, progress)
        if progress.best_epoch <= phase.first:
            print("no epoch of finetuning was better on validation: the frozen backbone is kept")
        part, inputs = model, session.pixels
    model.set_weights(computing.get_weights())
    return Trained(progress, _per_class(forward(part, inputs)))


def _fit_head(session: _Session, model: keras.Model, phase: Phase) -> tuple[Progress, Shards]:
    """Train the head on the features of a frozen backbone; also the features of all images."""
    task, frozen = session.task, extractor(model)
    recipe = _views_wanted(task)
    everything = features.extracted(frozen, session.pixels)
    training = everything.chosen(session.training)
    none = training.chosen(np.newaxis).chosen(slice(0))
    views = features.of_views(frozen, task.study, recipe, session.training) if recipe else none
    data = session.data(everything, Features(training, views, task.seed))
    learner = Learner(model.get_layer("head"), task.settings.optimizer, session.loss(), everything.dtype)
    return fit(learner, data, phase, Progress(), session.backup), everything


def _fit_whole(session: _Session, model: keras.Model, phase: Phase, progress: Progress) -> Progress:
    """Train all that is trainable of the model, on images that are augmented on the fly."""
    task, training = session.task, session.training
    ids = [session.rows[index].image_id for index in training]
    policy = task.params.augment[task.policy] if task.policy else None
    inputs = Pixels(session.pixels, training, ids, policy, task.seed)
    learner = Learner(model, task.settings.optimizer, session.loss(), session.pixels.dtype)
    return fit(learner, session.data(session.pixels, inputs), phase, progress, session.backup)


def _views_wanted(task: Task) -> Recipe | None:
    """The views that a frozen backbone sees; a study may prepare none, and then originals are all there is."""
    prepared = task.params.study(task.study).views
    if task.policy not in (None, prepared.policy):
        raise MedcnnError(
            f"{task.name}: a frozen backbone learns from prepared views, and studies.{task.study}.views are of "
            f"'{prepared.policy}', not of '{task.policy}'; set the model's augment to 'study', or make them agree"
        )
    if task.policy is None or not prepared.count:
        return None
    # Whatever the repeat, views are those that prepare makes.
    return Recipe(task.params.augment[prepared.policy], prepared.count, task.params.seed)


def _per_class(outputs: np.ndarray) -> np.ndarray:
    """Probabilities (N, C), float64, from the network's outputs: a single sigmoid p becomes (1 - p, p)."""
    outputs = outputs.astype(np.float64)
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


def _record(session: _Session, model: keras.Model, trained: Trained) -> None:
    """Write what a training made, the model itself last."""
    task, history = session.task, trained.progress.history
    predictions.write(paths.predictions(task.study) / f"{task.name}.csv", _table(session, trained))
    lines = [[f"{value:.6g}" if isinstance(value, float) else value for value in line.values()] for line in history]
    files.write_csv(paths.plots("train", task.study, task.name) / "history.csv", list(history[0]), lines)
    files.write_json(paths.metrics("train", task.study, task.name), _facts(trained.progress, model))
    saving.save(model, paths.keras_model(task.study, task.name))


def _record_cell(session: _Session, model: keras.Model, trained: Trained) -> None:
    """Write what the training of a cell made: of the images that have a part in its fold."""
    task = session.task
    folder = paths.cell(task.study, task.name, task.fold, task.repeat)
    inside = [index for index, row in enumerate(session.rows) if row.split]
    predictions.write(folder / folds.PREDICTIONS, _table(session, trained).at(inside))
    saving.save(model, folder / folds.MODEL)


def _table(session: _Session, trained: Trained) -> Predictions:
    ids, splits = tuple(row.image_id for row in session.rows), tuple(row.split for row in session.rows)
    return Predictions(session.task.classes, ids, splits, session.labels, trained.probabilities)


def _facts(progress: Progress, model: keras.Model) -> dict[str, Any]:
    best = [line for line in progress.history if line["epoch"] == progress.best_epoch]
    return {
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "parameters": model.count_params(),
        "trainable_parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        "macs": macs(model),
        "loss": {line["split"]: line["loss"] for line in best},
        "accuracy": {line["split"]: line["accuracy"] for line in best},
    }


def _identity(task: Task, rows: Sequence[Row], model: keras.Model) -> str:
    """A name that only the same training by the same code, of the same network on the same data, has."""
    folder = paths.prepared(task.study)
    parts = (
        task.settings.model_dump_json(),
        task.params.compute.precision,
        task.params.seed,
        task.repeat,
        task.classes,
        task.params.augment[task.policy].model_dump_json() if task.policy else None,
        [(row.image_id, row.label, row.split) for row in rows],
        *(pack.digest(array) for array in (pack.images(folder), pack.views(folder))),
        *map(files.sha256, _CODE),
        model.to_json(),
        tf.__version__,
        keras.__version__,
    )
    digest = hashlib.sha256(repr(parts).encode())
    for array in model.get_weights():
        digest.update(array.tobytes())
    return f"{task.study}-{task.name}-{task.fold}-{task.repeat}-{digest.hexdigest()[:16]}"
