"""A real Ray cluster on this machine, of one process group a node; others that run beside it are left alone."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

HOST = "127.0.0.1"
STARTED = "Ray runtime started"
PATIENCE = 120
RAY = str(Path(sys.executable).with_name("ray"))
# A node ends with the process that started it, however that ends.
BOUND = ("setpriv", "--pdeathsig", "TERM")


class Cluster:
    """A cluster to which nodes of one CPU can be added."""

    def __init__(self, folder: Path, stack: ExitStack, pinned: bool) -> None:
        self.address = f"{HOST}:{_free_port()}"
        self._folder = folder
        self._stack = stack
        self._pinned = pinned
        self._count = 0

    def add(self, count: int = 1) -> None:
        """Start nodes one after the other: of two that join at once from one machine, one is not found."""
        for _ in range(count):
            log = self._start()
            deadline = time.monotonic() + PATIENCE
            while STARTED not in log.read_text():
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)

    def _start(self) -> Path:
        number, self._count = self._count, self._count + 1
        core = sorted(os.sched_getaffinity(0))[number % len(os.sched_getaffinity(0))]
        pin = ("taskset", "--cpu-list", str(core)) if self._pinned else ()
        log = self._folder / f"node_{number}.log"
        self._stack.enter_context(
            _running((*BOUND, *pin, RAY, "start", "--block", *self._place(number), *OPTIONS), log)
        )
        return log

    def _place(self, number: int) -> tuple[str, ...]:
        if number:
            return (f"--address={self.address}",)
        port = self.address.rpartition(":")[2]
        return ("--head", f"--port={port}", f"--temp-dir={self._folder}", "--include-dashboard=false")


OPTIONS = (
    f"--node-ip-address={HOST}",
    "--num-cpus=1",
    "--object-store-memory=80000000",
    "--min-worker-port=0",
    "--max-worker-port=0",
    "--disable-usage-stats",
)


@contextmanager
def cluster(nodes: int, pinned: bool = False) -> Iterator[Cluster]:
    """A cluster of so many nodes; with ``pinned`` each has a core for itself, as far as there are cores."""
    # Sockets lie below it, whose paths may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="ray"))
    try:
        with ExitStack() as stack:
            made = Cluster(folder, stack, pinned)
            made.add(nodes)
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(command: Sequence[str], log: Path) -> Iterator[None]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    environment["RAY_raylet_start_wait_time_s"] = str(PATIENCE)
    with log.open("w") as output:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            yield
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the node with all its processes, which are of one group."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
