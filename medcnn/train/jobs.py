"""Trainings by name, done on this machine or on a cluster; TensorFlow is imported where the work is done."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from medcnn import params
from medcnn.core.seeding import pin_tensorflow
from medcnn.dataset import folds, pack
from medcnn.dataset.folds import MAIN, Cell
from medcnn.dataset.shards import Shards
from medcnn.params import Params
from medcnn.runtime import fanout, paths


@dataclass(frozen=True)
class Job:
    """One training: of a model or, behind the trained model ``first``, of a chain; in one cell."""

    params: Params
    study: str
    model: str
    first: str | None = None
    cell: Cell = MAIN

    @property
    def name(self) -> str:
        """Of what is trained."""
        return params.chain(self.first, self.model) if self.first else self.model


def train(job: Job) -> None:
    """Train where ``compute`` says, in a process of its own if that is elsewhere.

    On a cluster, the features that a training finds in its cache are computed before, a task a shard.

    Raises:
        MedcnnError: see ``fanout.each`` and ``training.train``.
    """
    compute = job.params.compute
    if compute.backend == "ray":
        list(fanout.each(partial(_cache_features, job), range(len(_for_frozen(job))), compute))
    list(fanout.each(_train, [job], compute))


def _cache_features(job: Job, number: int) -> None:
    pin_tensorflow(job.params.seed)
    from medcnn.train import training

    task = training.Task(job.params, job.study, job.name, job.params.model(job.model))
    training.cache_features(task, training.untrained(task), _for_frozen(job)[number])


def _for_frozen(job: Job) -> list[Shards]:
    """The shards that a frozen backbone runs over; none for a chain, whose first link has run over them."""
    settings, folder = job.params.model(job.model), paths.prepared(job.study)
    if job.first or not settings.frozen or job.cell != MAIN:
        return []
    views = pack.views(folder).apart() if job.params.policy(job.study, settings) else ()
    return [*pack.images(folder).apart(), *views]


def _train(job: Job) -> None:
    settings = job.params.model(job.model)
    pin_tensorflow(job.params.seed + job.cell[1])
    from medcnn.networks import saving
    from medcnn.train import chaining, fitting, training

    with fitting.faults_told(job.params, job.study, job.model):
        if job.first is None:
            task = training.Task(job.params, job.study, job.name, settings, *job.cell)
            training.train(task, training.untrained(task))
            return
        task = training.Task(job.params, job.study, job.name, chaining.link(settings), *job.cell)
        first = saving.load(_trained(job.study, job.first, job.cell))
        training.train(task, chaining.chained(first, task.settings, len(task.classes)))


def _trained(study: str, model: str, cell: Cell) -> Path:
    """The file of a trained model; that of the main cell lies apart."""
    return paths.keras_model(study, model) if cell == MAIN else paths.cell(study, model, *cell) / folds.MODEL
