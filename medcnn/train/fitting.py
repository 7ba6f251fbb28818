"""Fit a network to batches, epoch after epoch until its patience is used up.

A loop of our own, not ``fit`` with its callbacks: a training that is killed and goes on must end with the same bytes.
``BackupAndRestore`` keeps weights and optimizer, and neither how long ``EarlyStopping`` and ``ReduceLROnPlateau`` have
waited nor the seeds of dropout.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from tqdm import tqdm

from medcnn.core import seeding
from medcnn.runtime import live
from medcnn.train.backups import Arrays, Backup, State
from medcnn.train.batches import Batches, Validation
from medcnn.train.failing import DivergedError
from medcnn.train.learning import Learner
from medcnn.train.stopping import Phase, Progress


@dataclass(frozen=True)
class Data:
    """The batches that a network is fitted to, and those that it is measured on after every epoch."""

    training: Batches
    validation: Validation


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
        # Only now: an epoch that was shown is never trained again.
        print(f"Epoch {state.progress.epoch}/{phase.last}: {state.progress.latest}", flush=True)
        live.show(state.progress.history)
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
