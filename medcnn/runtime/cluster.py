"""Tasks on a Ray cluster: each is a Ray task of its own, which any machine of the cluster runs.

Ray's backend for joblib is a pool of actors, and would not do: a lone task, such as a training, stays on this machine;
no task starts before there is room for all actors at once, so that two stages side by side wait for each other; and
results do not come one by one. A plain task waits for itself alone, and is tried again where its process or its
machine dies.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from medcnn.core.errors import MedcnnError, ParamsError
from medcnn.core.processors import NUMERICAL
from medcnn.core.seeding import ENVIRONMENT, quiet

RETRIES = 3
"""How often a task is started again whose process dies."""
_CODE = Path(__file__).parents[2]
_RAY = {
    # What the workers print: without colours, every line of every worker, nothing of the autoscaler.
    "RAY_COLOR_PREFIX": "0",
    "RAY_DEDUP_LOGS": "0",
    "RAY_SCHEDULER_EVENTS": "0",
    # Give up on a head that does not answer within ten seconds, instead of some minutes.
    "RAY_NUM_REDIS_GET_RETRIES": "1",
    "RAY_gcs_rpc_server_connect_timeout_s": "1",
    "RAY_py_gcs_connect_timeout_s": "8",
}
"""Read by Ray when it is imported."""


def each(function: Callable[[Any], Any], tasks: Sequence[Any], address: str, cpus_per_task: int) -> Iterator[Any]:
    """The results of ``function`` for every task, in their order; the function is sent to each machine once.

    Args:
        function: a function at the top of a module, or a ``functools.partial`` of one.
        tasks: what it is called with.
        address: of the cluster's head, ``host:port``, or ``auto``.
        cpus_per_task: CPUs of one machine that each task keeps for itself.

    Raises:
        ParamsError: see ``join``.
        MedcnnError: a task's process died again and again. Errors of a task are raised as they are.
    """
    join(address, cpus_per_task)
    import ray

    options = {"num_cpus": cpus_per_task, "max_retries": RETRIES, "name": "medcnn", "scheduling_strategy": "SPREAD"}
    remote, shared = ray.remote(_run).options(**options), ray.put(function)
    references = [remote.remote(str(Path.cwd()), shared, task) for task in tasks]
    try:
        for reference in references:
            yield _result(reference)
    except BaseException:
        # Those that have ended are left alone: Ray aborts where it is still noting that a cancelled task is done.
        _, unfinished = ray.wait(references, num_returns=len(references), timeout=0)
        for reference in unfinished:
            ray.cancel(reference, force=True)
        raise


def join(address: str, cpus_per_task: int) -> None:
    """Make this process part of the cluster, unless it is already.

    Raises:
        ParamsError: Ray is not installed, no cluster answers, or none of its machines has ``cpus_per_task`` CPUs.
    """
    os.environ |= _RAY
    try:
        import ray
    except ImportError:
        raise ParamsError(
            "compute.backend: ray is not installed; run `pip install -r requirements-ray.txt`, or set local"
        ) from None
    if not ray.is_initialized():
        _connect(address)
    largest = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if largest < cpus_per_task:
        raise ParamsError(
            f"compute.cpus_per_task: {cpus_per_task} asked for, and the largest machine of the cluster at "
            f"compute.address {address} has {largest:g}"
        )


def _connect(address: str) -> None:
    import ray

    python_path = os.pathsep.join(filter(None, [str(_CODE), os.environ.get("PYTHONPATH", "")]))
    environment = {**ENVIRONMENT, **NUMERICAL, "PYTHONPATH": python_path}
    on_terminate = signal.getsignal(signal.SIGTERM)
    try:
        with quiet():
            ray.init(address, logging_level=logging.CRITICAL, runtime_env={"env_vars": environment})
    except ConnectionError:
        raise ParamsError(
            f"compute.address: no Ray cluster answers at '{address}'; start one with `ray start --head`, give its "
            "host:port, or set compute.backend to local"
        ) from None
    except (RuntimeError, ValueError) as error:
        # Such as another version of Ray or Python on the cluster.
        raise ParamsError(f"compute.address: {' '.join(str(error).split())}") from None
    finally:
        # Ray puts a handler of its own in its place.
        signal.signal(signal.SIGTERM, on_terminate)


def _result(reference: Any) -> Any:
    import ray
    from ray import exceptions

    try:
        return ray.get(reference)
    except exceptions.RayTaskError as error:
        raise error.cause from error
    except (exceptions.WorkerCrashedError, exceptions.NodeDiedError, exceptions.OutOfMemoryError):
        raise MedcnnError(
            f"a task's process on the cluster died {RETRIES + 1} times, killed or out of memory; run the same "
            "command again to go on, or raise compute.cpus_per_task so that fewer run on a machine"
        ) from None


def _run(project: str, function: Callable[[Any], Any], task: Any) -> Any:
    """Do a task where this process would: in the project's folder, which all machines share."""
    try:
        os.chdir(project)
    except OSError:
        raise MedcnnError(
            f"{socket.gethostname()}, a machine of the cluster, has no folder {project}; share the project under the "
            "same path with all of them"
        ) from None
    return function(task)
