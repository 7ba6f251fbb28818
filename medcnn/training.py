"""Train a model on a prepared study, whether through the whole network or only the head of a frozen one."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from medcnn import features, files, layout, manifest, predictions
from medcnn.batches import Batches, Features, Inputs, Pixels, balanced
from medcnn.console import MedcnnError
from medcnn.images import pack
from medcnn.manifest import Row
from medcnn.models import saving
from medcnn.models.building import extractor
from medcnn.params import Model, Params
from medcnn.predictions import Predictions
from medcnn.progress import Watch


@dataclass(frozen=True)
class Task:
    """One training: which study, under which name, with which settings."""

    params: Params
    study: str
    name: str
    settings: Model

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the network's outputs."""
        return self.params.study(self.study).class_names


@dataclass(frozen=True)
class Trained:
    """The trained model, the watch over its training, and its probabilities (N, C) of every used image."""

    model: keras.Model
    watch: Watch
    rows: list[Row]
    probabilities: np.ndarray


@dataclass(frozen=True)
class _Data:
    """What the trained part of the network sees: everything, and the training part in batches."""

    everything: np.ndarray
    batches: Batches
    labels: np.ndarray
    validation: list[int]


def train(task: Task, model: keras.Model) -> Trained:
    """Train ``model`` (image to probabilities, layers ``backbone`` and ``head``) and predict every used image.

    A frozen backbone runs over the images once; then the head alone is trained on its features.

    Raises:
        MedcnnError: the model wants views that the study does not prepare, or the loss is not a number.
    """
    rows = manifest.used(layout.manifest(task.study))
    trainee = model if model.get_layer("backbone").trainable else model.get_layer("head")
    data = _data(task, model, trainee, rows)
    watch = _fit(task, trainee, data)
    outputs = features.forward(trainee, data.everything)
    return Trained(model, watch, rows, per_class(outputs))


def record(task: Task, trained: Trained) -> None:
    """Write what a training made, the model itself last; then its backup is not needed any more."""
    labels = [task.classes.index(row.label) for row in trained.rows]
    table = Predictions(
        task.classes,
        tuple(row.image_id for row in trained.rows),
        tuple(row.split for row in trained.rows),
        np.array(labels),
        trained.probabilities,
    )
    predictions.write(layout.predictions(task.study) / f"{task.name}.csv", table)
    history = trained.watch.progress.history
    lines = [[f"{value:.6g}" if isinstance(value, float) else value for value in line.values()] for line in history]
    files.write_csv(layout.plots("train", task.study, task.name) / "history.csv", list(history[0]), lines)
    files.write_json(layout.metrics("train", task.study, task.name), _facts(trained))
    saving.save(trained.model, layout.keras_model(task.study, task.name))
    trained.watch.forget()


def _facts(trained: Trained) -> dict[str, Any]:
    progress, model = trained.watch.progress, trained.model
    best = [line for line in progress.history if line["epoch"] == progress.best_epoch]
    return {
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "parameters": model.count_params(),
        "trainable_parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        "loss": {line["split"]: line["loss"] for line in best},
        "accuracy": {line["split"]: line["accuracy"] for line in best},
    }


def per_class(outputs: np.ndarray) -> np.ndarray:
    """Probabilities (N, C), float64, from the network's outputs: a single sigmoid p becomes (1 - p, p)."""
    outputs = outputs.astype(np.float64)
    return np.hstack([1 - outputs, outputs]) if outputs.shape[1] == 1 else outputs


def _data(task: Task, model: keras.Model, trainee: keras.Model, rows: Sequence[Row]) -> _Data:
    training = manifest.indices(rows, "train")
    labels = np.array([task.classes.index(row.label) for row in rows])
    everything, inputs = _inputs(task, model, trainee, rows, training)
    weights = balanced(labels[training], len(task.classes)) if task.settings.class_weights else np.ones(len(training))
    batches = Batches(inputs, labels[training], weights.astype(np.float32), task.settings.batch_size, task.params.seed)
    return _Data(everything, batches, labels, manifest.indices(rows, "validation"))


def _inputs(
    task: Task, model: keras.Model, trainee: keras.Model, rows: Sequence[Row], training: list[int]
) -> tuple[np.ndarray, Inputs]:
    folder, seed = layout.prepared(task.study), task.params.seed
    augment = task.params.policy(task.study, task.settings)
    if trainee is model:
        images = pack.images(folder)
        policy = task.params.augment[augment] if augment else None
        return images, Pixels(images, training, [rows[index].image_id for index in training], policy, seed)
    frozen = extractor(model)
    everything = features.extracted(frozen, folder / pack.IMAGES)
    views = everything[None, training][:0]
    if augment:
        _check_views(task, augment)
        views = features.extracted(frozen, folder / pack.VIEWS)
    return everything, Features(everything[training], views, seed)


def _check_views(task: Task, augment: str) -> None:
    prepared = task.params.study(task.study).views
    if prepared.policy != augment or prepared.count == 0:
        raise MedcnnError(
            f"models.{task.name}.augment: a frozen network needs prepared views of '{augment}', but "
            f"studies.{task.study}.views has {prepared.count} of '{prepared.policy}'; make them agree"
        )


def _fit(task: Task, trainee: keras.Model, data: _Data) -> Watch:
    binary = trainee.output_shape[-1] == 1
    trainee.compile(
        optimizer=keras.optimizers.Adam(task.settings.learning_rate),
        loss="binary_crossentropy" if binary else "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    watch = Watch(task.settings, task.params.seed, _backup(task, trainee))
    watch.resume(trainee)
    start = watch.progress.epoch
    if not watch.progress.finished(task.settings):
        trainee.fit(
            _stream(data, start, task.settings.epochs),
            steps_per_epoch=data.batches.per_epoch,
            initial_epoch=start,
            epochs=task.settings.epochs,
            validation_data=_validation(data, task.settings.batch_size),
            callbacks=[watch],
            shuffle=False,
            verbose=1 if sys.stdout.isatty() else 2,
        )
    watch.restore_best(trainee)
    return watch


def _stream(data: _Data, first: int, last: int) -> tf.data.Dataset:
    """The training batches of all epochs as one dataset, so that nothing depends on how Keras restarts it."""
    shape = data.everything.shape[1:]

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for inputs, targets, weights in data.batches.since(first, last):
            yield inputs, targets[:, None], weights

    signature = (
        tf.TensorSpec((None, *shape), tf.float32),
        tf.TensorSpec((None, 1), tf.int64),
        tf.TensorSpec((None,), tf.float32),
    )
    count = data.batches.per_epoch * (last - first)
    return _of_length(count, tf.data.Dataset.from_generator(batches, output_signature=signature)).prefetch(2)


def _validation(data: _Data, batch_size: int) -> tf.data.Dataset:
    chosen = data.validation

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(chosen), batch_size):
            part = chosen[start : start + batch_size]
            yield np.asarray(data.everything[part], np.float32), data.labels[part][:, None]

    signature = (tf.TensorSpec((None, *data.everything.shape[1:]), tf.float32), tf.TensorSpec((None, 1), tf.int64))
    count = -(-len(chosen) // batch_size)
    return _of_length(count, tf.data.Dataset.from_generator(batches, output_signature=signature))


def _of_length(count: int, dataset: tf.data.Dataset) -> tf.data.Dataset:
    return dataset.apply(tf.data.experimental.assert_cardinality(count))


def _backup(task: Task, trainee: keras.Model) -> Path:
    """A folder that only the same training, of the same network on the same data, finds again."""
    policy = task.params.policy(task.study, task.settings)
    folder = layout.prepared(task.study)
    parts = (
        task.settings.model_dump_json(),
        task.params.seed,
        task.classes,
        task.params.augment[policy].model_dump_json() if policy else None,
        *(files.sha256(path) for path in (layout.manifest(task.study), folder / pack.IMAGES, folder / pack.VIEWS)),
        tf.__version__,
        keras.__version__,
    )
    digest = hashlib.sha256(repr(parts).encode())
    for array in trainee.get_weights():
        digest.update(np.ascontiguousarray(array).tobytes())
    return layout.state("backup") / f"{task.study}-{task.name}-{digest.hexdigest()[:16]}"
