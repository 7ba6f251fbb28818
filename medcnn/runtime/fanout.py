"""Independent tasks side by side, on this machine or on a Ray cluster; the results are the same bytes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from joblib import Parallel, delayed, parallel_config

from medcnn.runtime import cluster

Task = TypeVar("Task")
Result = TypeVar("Result")


class Placement(Protocol):
    """Where tasks run, such as the ``compute`` block of ``params.yaml``."""

    @property
    def backend(self) -> str:
        """``local`` for this machine, ``ray`` for a cluster."""

    @property
    def address(self) -> str:
        """``host:port`` of the cluster's head; ``auto`` for the cluster that runs on this machine."""

    @property
    def cpus_per_task(self) -> int:
        """How many CPUs each task keeps for itself."""


def each(function: Callable[[Task], Result], tasks: Sequence[Task], placement: Placement) -> Iterator[Result]:
    """The results of ``function`` for every task, in the order of the tasks.

    A task is small: names, paths and numbers. Pixels are read and written by the function itself, as files of the
    project, which every machine of a cluster sees under the same path; what is bound by a ``functools.partial`` goes
    to each machine once.

    Args:
        function: a function at the top of a module, or a ``functools.partial`` of one.
        tasks: what it is called with.
        placement: where it runs.

    Raises:
        ParamsError: no cluster can be reached at ``placement.address``.
        MedcnnError: a task's process on the cluster died again and again. Errors of a task are raised as they are.
    """
    if not tasks:
        return
    if placement.backend == "ray":
        yield from cluster.each(function, tasks, placement.address, placement.cpus_per_task)
        return
    slots = len(os.sched_getaffinity(0)) // placement.cpus_per_task
    with parallel_config("loky", inner_max_num_threads=1):
        parallel = Parallel(n_jobs=max(1, min(slots, len(tasks))), return_as="generator")
    yield from parallel(delayed(function)(task) for task in tasks)
