"""Independent tasks side by side, on this machine or on a Ray cluster; the results are the same bytes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from joblib import Parallel, delayed, parallel_config

from medcnn.core.seeding import THREADS
from medcnn.params import Compute
from medcnn.runtime import cluster

Task = TypeVar("Task")
Result = TypeVar("Result")


def each(function: Callable[[Task], Result], tasks: Sequence[Task], compute: Compute) -> Iterator[Result]:
    """The results of ``function`` for every task, in the order of the tasks.

    A task is small: names, paths and numbers. Pixels are read and written by the function itself, as files of the
    project, which every machine of a cluster sees under the same path; what is bound by a ``functools.partial`` goes
    to each machine once.

    Args:
        function: a function at the top of a module, or a ``functools.partial`` of one.
        tasks: what it is called with.
        compute: where it runs. ``cpus_per_task`` of the CPUs are kept for each task.

    Raises:
        ParamsError: no cluster can be reached at ``compute.address``.
        MedcnnError: a task's process on the cluster died again and again. Errors of a task are raised as they are.
    """
    if not tasks:
        return
    if compute.backend == "ray":
        with parallel_config(cluster.RayTasks(compute)):
            parallel = _parallel(pre_dispatch="all")
        function = cluster.shared(function)
    else:
        slots = len(os.sched_getaffinity(0)) // compute.cpus_per_task
        with parallel_config("loky", inner_max_num_threads=THREADS):
            parallel = _parallel(n_jobs=max(1, min(slots, len(tasks))))
    yield from parallel(delayed(function)(task) for task in tasks)


def _parallel(**options: Any) -> Parallel:
    return Parallel(return_as="generator", **options)
