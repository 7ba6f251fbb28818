"""Trainings started on this machine or on a cluster; TensorFlow is imported where the work is done."""

from __future__ import annotations

from functools import partial

from medcnn.core.seeding import pin_tensorflow
from medcnn.dataset import folds, pack
from medcnn.dataset.folds import MAIN
from medcnn.dataset.shards import Shards
from medcnn.runtime import fanout, paths
from medcnn.train import bagging, failing, probes
from medcnn.train.task import Task


def train(task: Task) -> None:
    """Train where ``compute`` says, in another process if that is elsewhere.

    On a cluster, the features that a training finds in its cache are computed first, one shard per task.

    Raises:
        MedcnnError: see ``fanout.each`` and ``training.train``.
    """
    placement = task.placement
    if task.ensemble:
        bagging.train(task)
        return
    if placement.backend == "ray":
        list(fanout.each(partial(_cache_features, task), range(len(_for_frozen(task))), placement))
    list(fanout.each(_train, [task], placement))


def _for_frozen(task: Task) -> list[Shards]:
    """The shards that a frozen backbone runs over; none for a chain, whose first link has run over them."""
    if task.first or not task.settings.frozen or task.cell != MAIN:
        return []
    folder = paths.prepared(task.study)
    views = pack.views(folder).apart() if task.policy else ()
    return [*pack.images(folder).apart(), *views]


def _cache_features(task: Task, number: int) -> None:
    pin_tensorflow(task.params.seed, portable=task.params.compute.portable)
    from medcnn.train import training

    training.cache_features(task, training.untrained(task), _for_frozen(task)[number])


def _train(task: Task) -> None:
    with failing.translate_errors(task):
        if probes.alone(task):
            probes.train(task)
        else:
            _train_network(task)


def _train_network(task: Task) -> None:
    pin_tensorflow(task.seed, portable=task.params.compute.portable)
    from medcnn.networks import saving
    from medcnn.train import chaining, training

    if task.first is None:
        model = training.untrained(task)
    else:
        # The main cell's models are outs of the stage `train`, apart from the others.
        main, cell = paths.keras_model(task.study, task.first), folds.folder(task.study, task.first, task.cell)
        first = saving.load(main if task.cell == MAIN else cell / folds.MODEL)
        model = chaining.chained(first, task.settings, len(task.classes), task.multi_label)
    training.train(task, model)
