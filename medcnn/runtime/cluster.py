"""A Ray cluster as a backend of joblib: every task of a ``Parallel`` is a Ray task, run by any machine of the cluster.

Ray's own backend for joblib is a pool of actors, and does not do: a lone task, such as a training, stays on this
machine; no task starts before there is room for all actors at once, so that two stages side by side wait for each
other; and results do not come one by one. A Ray task waits for itself alone, and is tried again where its process or
its machine dies.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from joblib.parallel import ParallelBackendBase, SequentialBackend

from medcnn.core.errors import MedcnnError, ParamsError
from medcnn.core.seeding import ENVIRONMENT
from medcnn.params import Compute

RETRIES = 3
"""How often a task is started again whose process dies."""
_PATIENCE = 5
"""Seconds to wait for the head of a cluster."""
_AT_ONCE = 2
"""What joblib is told, which does a single job itself; the cluster sees how much runs at once."""
_SETTINGS, _FRAME = 4, 9
"""The type of HTTP/2's first frame, and the bytes of a frame's header (RFC 9113, sections 3.4 and 4.1)."""
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, _SETTINGS, 0, 0, 0, 0, 0])
_CODE = Path(__file__).parents[2]


class RayTasks(ParallelBackendBase):
    """Joblib's backend for the cluster of ``compute``, which this process joins."""

    supports_retrieve_callback = True

    def __init__(self, compute: Compute) -> None:
        super().__init__()
        join(compute)
        import ray

        remote = ray.remote(medcnn_task)
        self._remote = remote.options(
            num_cpus=compute.cpus_per_task, max_retries=RETRIES, name="medcnn", scheduling_strategy="SPREAD"
        )
        self._submitted: list[Any] = []

    def effective_n_jobs(self, n_jobs: int) -> int:
        """Always more than one, so that joblib hands everything on."""
        return _AT_ONCE

    def submit(self, func: Callable[[], Any], callback: Callable[[Future[Any]], None]) -> Future[Any]:
        """Send a task to the cluster."""
        reference = self._remote.remote(str(Path.cwd()), func)
        self._submitted.append(reference)
        future: Future[Any] = reference.future()
        future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: Future[Any]) -> Any:
        """The result of a task, or the error that it ended with."""
        from ray import exceptions

        try:
            return out.result()
        except exceptions.RayTaskError as error:
            raise error.cause from error
        except (exceptions.WorkerCrashedError, exceptions.NodeDiedError, exceptions.OutOfMemoryError):
            raise MedcnnError(
                f"a task's process on the cluster died {RETRIES + 1} times, killed or out of memory; run the same "
                "command again to go on, or raise compute.cpus_per_task so that fewer run on a machine"
            ) from None

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Stop what runs and forget what waits."""
        import ray

        for reference in self._submitted:
            ray.cancel(reference, force=True)
        self._submitted.clear()

    def get_nested_backend(self) -> tuple[SequentialBackend, None]:
        """Tasks have no tasks of their own."""
        return SequentialBackend(nesting_level=1), None


def shared(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function with what is bound to it, sent to each machine once and not with every task."""
    import ray

    return partial(_call_shared, ray.put(function))


def _call_shared(function: Any, task: Any) -> Any:
    import ray

    return ray.get(function)(task)


def join(compute: Compute) -> None:
    """Make this process part of the cluster, unless it is already.

    Raises:
        ParamsError: Ray is not installed, no cluster answers, or none of its machines has ``cpus_per_task`` CPUs.
    """
    # Ray reads these when it is imported: no colours, every line of every worker, nothing of the autoscaler.
    os.environ |= {"RAY_COLOR_PREFIX": "0", "RAY_DEDUP_LOGS": "0", "RAY_SCHEDULER_EVENTS": "0"}
    try:
        import ray
    except ImportError:
        raise ParamsError(
            "compute.backend: ray is not installed; run `pip install -r requirements-ray.txt`, or set local"
        ) from None
    if not ray.is_initialized():
        address = _answering(compute.address)
        environment = {**ENVIRONMENT, "PYTHONPATH": _python_path()}
        with _one_line(compute.address), _own_signals():
            ray.init(address, logging_level=logging.CRITICAL, runtime_env={"env_vars": environment})
    largest = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
    if largest < compute.cpus_per_task:
        raise ParamsError(
            f"compute.cpus_per_task: {compute.cpus_per_task} asked for, and the largest machine of the cluster at "
            f"compute.address {compute.address} has {largest:g}"
        )


def medcnn_task(project: str, task: Callable[[], Any]) -> Any:
    """Do a task where the driver would: in the project's folder, which all machines share."""
    try:
        os.chdir(project)
    except OSError:
        raise MedcnnError(
            f"{socket.gethostname()}, a machine of the cluster, has no folder {project}; share the project under the "
            "same path with all of them"
        ) from None
    return task()


def _answering(address: str) -> str:
    """The head's ``host:port``, where something answers that speaks HTTP/2: Ray itself would try for over a minute."""
    from ray._private.services import canonicalize_bootstrap_address_or_die

    try:
        found: str = canonicalize_bootstrap_address_or_die(address)
        host, _, port = found.rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port)), _PATIENCE) as connection:
            connection.sendall(_HELLO)
            frame = connection.recv(_FRAME, socket.MSG_WAITALL)
    except (ValueError, OSError):
        raise _unreachable(address) from None
    if len(frame) < _FRAME or frame[3] != _SETTINGS:
        raise _unreachable(address)
    return found


def _unreachable(address: str) -> ParamsError:
    return ParamsError(
        f"compute.address: no Ray cluster answers at '{address}'; start one with `ray start --head`, give its "
        "host:port, or set compute.backend to local"
    )


@contextlib.contextmanager
def _one_line(address: str) -> Iterator[None]:
    """Say in one line why Ray refuses, such as another version of Ray or Python on the cluster."""
    try:
        yield
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ParamsError(f"compute.address: {' '.join(str(error).split())}") from None


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what this process does on SIGTERM, which Ray would take over."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _python_path() -> str:
    return os.pathsep.join(filter(None, [str(_CODE), os.environ.get("PYTHONPATH", "")]))
