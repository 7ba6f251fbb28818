"""Fit a network to batches: its loss and optimizer, and epoch after epoch until its patience is used up.

A loop of our own, not ``fit`` with its callbacks: a training that is killed and goes on must end with the same bytes.
``BackupAndRestore`` keeps weights and optimizer, and neither how long ``EarlyStopping`` and ``ReduceLROnPlateau`` have
waited nor the seeds of dropout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops
from tqdm import tqdm

from medcnn.core import seeding
from medcnn.core.errors import MedcnnError
from medcnn.networks.outputs import per_class
from medcnn.train.backups import Arrays, Backup, State
from medcnn.train.batches import Batch, Batches, Validation
from medcnn.train.stopping import Figures, Phase, Progress
from medcnn.train.task import Task

GAMMA = 2.0
"""Exponent of the focal loss (Lin et al., ICCV 2017)."""

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""From labels (B,) and probabilities (B, 1) or (B, C) to the loss of each image (B,)."""

OPTIMIZERS: dict[str, Callable[[float], keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "lion": keras.optimizers.Lion,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


class DivergedError(MedcnnError):
    """A training whose numbers are no longer finite; the text names keys of the model's block."""


@dataclass(frozen=True)
class Data:
    """The batches that a network is fitted to, and those that it is measured on after every epoch."""

    training: Batches
    validation: Validation


def cross_entropy(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of each image, from one sigmoid unit or a softmax."""
    if probabilities.shape[-1] == 1:
        return ops.binary_crossentropy(tf.cast(labels[:, None], tf.float32), probabilities)[:, 0]
    return ops.sparse_categorical_crossentropy(labels, probabilities)


def focal(alpha: np.ndarray) -> Loss:
    """Focal loss: cross-entropy times ``alpha`` of the true class and ``(1 - p) ** GAMMA`` of its probability p."""

    def loss(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
        losses = cross_entropy(labels, probabilities)
        return tf.gather(alpha, labels) * (1 - tf.exp(-losses)) ** GAMMA * losses

    return loss


class Learner:
    """A network with its loss and optimizer: it learns from batches and is measured on others."""

    def __init__(self, network: keras.Model, optimizer: str, loss: Loss, dtype: np.dtype) -> None:
        self.network = network
        self._loss = loss
        self._optimizer = OPTIMIZERS[optimizer](0.0)
        self._optimizer.build(network.trainable_variables)
        batch = (tf.TensorSpec((None, *network.input_shape[1:]), dtype), tf.TensorSpec((None,), tf.int64))
        self._learn = tf.function(self._learn_batch, [*batch, tf.TensorSpec((None,), tf.float32)])
        self._measure = tf.function(self._measure_batch, batch)

    def learn(self, batches: Iterable[Batch], learning_rate: float) -> Figures:
        """Take one step per batch; the figures are those of the network as it was at each step."""
        self._optimizer.learning_rate = learning_rate
        return _figures([(len(labels), *self._learn(inputs, labels, weights)) for inputs, labels, weights in batches])

    def measure(self, batches: Iterable[Batch]) -> Figures:
        """Figures in inference mode; sample weights do not count."""
        return _figures([(len(labels), *self._measure(inputs, labels)) for inputs, labels, _ in batches])

    @property
    def state(self) -> Arrays:
        """The weights and the optimizer's state."""
        return [np.asarray(variable) for variable in self._variables]

    @state.setter
    def state(self, arrays: Arrays) -> None:
        for variable, array in zip(self._variables, arrays, strict=True):
            variable.assign(array)

    @property
    def _variables(self) -> list[keras.Variable]:
        return [*self.network.weights, *self._optimizer.variables]

    def _learn_batch(self, inputs: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        variables = self.network.trainable_weights
        with tf.GradientTape() as tape:
            probabilities = self.network(tf.cast(inputs, tf.float32), training=True)
            losses = self._loss(labels, probabilities) * weights
            mean = tf.reduce_mean(losses)
        self._optimizer.apply(tape.gradient(mean, variables), variables)
        return tf.reduce_sum(losses), _hits(labels, probabilities)

    def _measure_batch(self, inputs: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        probabilities = self.network(tf.cast(inputs, tf.float32), training=False)
        return tf.reduce_sum(self._loss(labels, probabilities)), _hits(labels, probabilities)


@contextmanager
def translate_errors(task: Task) -> Iterator[None]:
    """Name the keys of ``params.yaml`` that make a training fail.

    Raises:
        MedcnnError: the training diverged, or TensorFlow or NumPy ran out of memory.
    """
    try:
        yield
    except DivergedError as error:
        raise MedcnnError(f"models.{task.model}: {error}") from error
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        model, size = task.model, task.params.studies[task.study].images.size
        raise MedcnnError(
            f"models.{model}: out of memory; lower models.{model}.batch_size (now {task.settings.batch_size}) or "
            f"studies.{task.study}.images.size (now {size}), or free memory and run the command again, which goes on "
            "after the last whole epoch"
        ) from error


def check_parts(rows: pd.DataFrame, classes: Sequence[str], where: str) -> None:
    """Refuse to train without an image of every class, or to choose epochs without a validation image.

    Raises:
        MedcnnError: it names the key path of the split.
    """
    images = Counter(zip(rows["split"], rows["label"], strict=True))
    missing = [f"'{label}' images to train on" for label in classes if not images["train", label]]
    missing += [] if (rows["split"] == "validation").any() else ["validation images"]
    if missing:
        raise MedcnnError(f"{where}: there are no {missing[0]}; give that part a larger share, or add images")


def fit(learner: Learner, data: Data, phase: Phase, progress: Progress, backup: Backup) -> Progress:
    """Train until the phase is over, from its backup where there is one; the network keeps the best weights.

    These are the ones it came with where no epoch of the phase was better than the best before it.

    Raises:
        DivergedError: the loss, the weights or the optimizer's state are not finite; the backup of the epoch before
            is kept.
    """
    untrained = State(progress.beginning(phase), learner.state, learner.network.get_weights())
    state = backup.load(phase.number) or untrained
    learner.state = state.last
    while not state.progress.finished(phase):
        state = _epoch(learner, data, phase, state)
        backup.save(phase.number, state)
    learner.network.set_weights(state.best)
    return state.progress


def _epoch(learner: Learner, data: Data, phase: Phase, state: State) -> State:
    """Train for one epoch and measure; the state afterwards, unless its numbers are not finite."""
    before = state.progress
    _seed_dropout(learner.network, data.training.seed, before.epoch)
    batches = data.training.epoch(before.epoch)
    # Shown on a terminal alone.
    shown = tqdm(batches, f"epoch {before.epoch + 1}", data.training.per_epoch, unit="batch", leave=False, disable=None)
    train = learner.learn(shown, before.learning_rate)
    validation = learner.measure(data.validation)
    after = learner.state
    if not np.isfinite([train.loss, validation.loss]).all():
        raise _diverged("the loss is not a number", phase, before)
    if not _finite(after):
        raise _diverged("exploding gradients: the weights or the optimizer's averages are not finite", phase, before)
    progress = before.after(train, validation, phase.settings)
    print(f"Epoch {progress.epoch}/{phase.last}: {train}; validation {validation}", flush=True)
    improved = progress.best_epoch == progress.epoch
    return State(progress, after, learner.network.get_weights() if improved else state.best)


def _diverged(what: str, phase: Phase, before: Progress) -> DivergedError:
    block, done = ("", "finetune.")[phase.number - 1], before.epoch - phase.first
    stop = f", or end before it with {block}epochs={done}" if done else ""
    return DivergedError(
        f"{what} in epoch {before.epoch + 1}; lower {block}learning_rate (now {before.learning_rate:g}){stop}; nothing "
        "was written; `git checkout params.yaml metrics && dvc checkout` brings the committed results back"
    )


def _finite(arrays: Arrays) -> bool:
    # A sum is finite only if all terms are; in float64 those of float32 do not overflow.
    return all(np.isfinite(np.sum(array, dtype=np.float64)) for array in arrays)


def _seed_dropout(network: keras.Model, seed: int, epoch: int) -> None:
    """Set dropout's random state from (seed, epoch): a resumed training draws what an uninterrupted one would have."""
    for position, layer in enumerate(network._flatten_layers()):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            state = seeding.derived(seed, "dropout", epoch, position).integers(2**31, size=2)
            generator.state.assign(state.astype(np.uint32))


def _hits(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    return tf.math.count_nonzero(tf.argmax(per_class(probabilities, tf.concat), axis=-1) == labels)


def _figures(batches: Sequence[tuple[int, tf.Tensor, tf.Tensor]]) -> Figures:
    """Means over images from (images, sum of losses, right answers) of each batch."""
    images, losses, hits = (sum(float(value) for value in values) for values in zip(*batches, strict=True))
    return Figures(losses / images, hits / images)
