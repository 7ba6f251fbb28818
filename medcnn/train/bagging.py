"""Fold ensembles: a network for each fold of the training images, trained without it, and their mean as one network.

Validation and test images stay what they are, so that all is chosen, fitted and measured as for any other model. Of the
training images, each is predicted by the one network that was not trained on it (stacked generalisation; Wolpert,
Neural Networks 1992), which shows what a model makes of images that it does not know by heart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from medcnn.core.errors import MedcnnError
from medcnn.core.seeding import pin_tensorflow
from medcnn.dataset import folds
from medcnn.runtime import fanout
from medcnn.train.backups import Arrays, Backup
from medcnn.train.stopping import Progress
from medcnn.train.task import Task

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Member:
    """One of the networks.

    Attributes:
        fold: of the training images, which it was trained without.
        weights: those of the network.
        probabilities: its own, of all images, float64 (M, C).
        progress: how its training went.
        backup: what is kept of it until the mean is written.
    """

    fold: int
    weights: Arrays
    probabilities: np.ndarray
    progress: Progress
    backup: Backup


def train(task: Task) -> None:
    """Train the networks of a fold ensemble where ``compute`` says, then write their mean as one model.

    Raises:
        MedcnnError: the training images are in one fold alone, or without one of them lack a class; see
            ``training.train``.
    """
    numbers = folds.of_training(task.rows)
    _check(task, numbers)
    members = list(fanout.each(partial(_trained, task), numbers, task.placement))
    list(fanout.each(partial(_recorded, members), [task], task.placement))
    for member in members:
        member.backup.forget()


def _check(task: Task, numbers: Sequence[int]) -> None:
    where = f"run.fold_ensembles: {task.study}"
    if len(numbers) < 2:
        raise MedcnnError(f"{where} has training images in one fold alone; raise studies.{task.study}.split.folds")
    for fold in numbers:
        for part, label in folds.lacking(_without(task, fold).rows):
            raise MedcnnError(
                f"{where} has no '{label}' image in {part} without fold {fold}; take {task.model} out, or add images"
            )


def _without(task: Task, fold: int) -> Task:
    return replace(task, ensemble=False, without=fold)


def _trained(task: Task, fold: int) -> Member:
    pin_tensorflow(task.seed, portable=task.params.compute.portable)
    from medcnn.train import backups, failing, training
    from medcnn.train.identity import identity

    print(f"{task.model} without fold {fold} of the training images", flush=True)
    alone = _without(task, fold)
    with failing.translate_errors(alone):
        model = training.untrained(alone)
        with backups.claim(identity(alone, model)) as backup:
            progress, probabilities = training.trained(alone, model, backup)
        return Member(fold, model.get_weights(), probabilities, progress, backup)


def _recorded(members: Sequence[Member], task: Task) -> None:
    """Write what the networks make together."""
    pin_tensorflow(task.seed, portable=task.params.compute.portable)
    from medcnn.networks import averaging, joining
    from medcnn.train import recording

    joined = joining.joined([_network(task, member) for member in members])
    probabilities = np.mean([member.probabilities for member in members], axis=0)
    for member in members:
        unseen = ((task.rows["split"] == "train") & (task.rows["fold"] == member.fold)).to_numpy()
        probabilities[unseen] = member.probabilities[unseen]
    averaged = averaging.averaged(joined, task.settings.tta)
    recording.record(task, recording.Written.of(averaged), [member.progress for member in members], probabilities)


def _network(task: Task, member: Member) -> keras.Model:
    from medcnn.networks import building
    from medcnn.train import training

    network = training.untrained(_without(task, member.fold))
    network.set_weights(member.weights)
    if task.settings.finetune.epochs:
        building.unfreeze(network, task.settings.finetune.unfreeze_from)
    return network
