"""Fit a network to batches, epoch after epoch until its patience is used up.

A loop of our own, not ``fit`` with its callbacks: a training that is killed and goes on must end with the same bytes.
``BackupAndRestore`` keeps weights and optimizer, and neither how long ``EarlyStopping`` and ``ReduceLROnPlateau`` have
waited nor the seeds of dropout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm import tqdm

from medcnn.core import seeding
from medcnn.core.errors import MedcnnError
from medcnn.dataset import truths
from medcnn.train.backups import Arrays, Backup, State
from medcnn.train.batches import Batches, Validation
from medcnn.train.learning import Learner
from medcnn.train.stopping import Phase, Progress
from medcnn.train.task import Task


class DivergedError(MedcnnError):
    """A training whose numbers are no longer finite; the text names keys of the model's block."""


@dataclass(frozen=True)
class Data:
    """The batches that a network is fitted to, and those that it is measured on after every epoch."""

    training: Batches
    validation: Validation


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
    training = truths.counted(rows["label"][rows["split"] == "train"])
    missing = [f"'{label}' images to train on" for label in classes if label not in training]
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
    rates = phase.rates(before.epoch, before.learning_rate, data.training.per_epoch)
    train = learner.learn(shown, rates)
    with learner.averaged():
        validation, weights = learner.measure(data.validation), learner.network.get_weights()
    after = learner.state
    if not np.isfinite([train.loss, validation.loss]).all():
        raise _diverged("the loss is not a number", phase, before)
    if not _finite(after):
        raise _diverged("exploding gradients: the weights or the optimizer's averages are not finite", phase, before)
    progress = before.after(train, validation, phase.settings, rates[-1])
    print(f"Epoch {progress.epoch}/{phase.last}: {train}; validation {validation}", flush=True)
    improved = progress.best_epoch == progress.epoch
    return State(progress, after, weights if improved else state.best)


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
