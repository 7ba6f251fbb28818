"""Worker processes, as the one that times them sees them: started, asked, and ended whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import IO, Any

from medcnn.benchmark import conversion, worker
from medcnn.benchmark.job import Job
from medcnn.core.errors import MedcnnError
from medcnn.core.seeding import ENVIRONMENT

PATIENCE = 600.0
"""Seconds after which a worker that does not answer is given up; no single turn takes so long."""
# Libraries built on OpenMP would go on waiting busily after a call, on the cores that the next engine needs.
_ENVIRONMENT = {**ENVIRONMENT, "KMP_BLOCKTIME": "0", "OMP_WAIT_POLICY": "PASSIVE"}
_SHOWN = 300
"""Characters of a process's last line of output that a message repeats."""


class UnsupportedModelError(MedcnnError):
    """An engine cannot open the model; the text is the reason."""


class _NoAnswerError(Exception):
    """A worker died or hung; the text says how, with its last line of output."""


@dataclass(frozen=True)
class Worker:
    """A running engine.

    Attributes:
        engine: Its name.
        cold_start_ms: From the start of its process to its first answer.
        channel: To its process.
    """

    engine: str
    cold_start_ms: float
    channel: Channel

    def ask(self, command: str, **arguments: Any) -> Any:
        """What a command of the worker's returns.

        Raises:
            MedcnnError: The worker died, or gave no answer for too long; the text has its last line of output.
        """
        try:
            return self.channel.ask((command, arguments))
        except _NoAnswerError as error:
            raise MedcnnError(f"{self.engine} {error}") from error


@dataclass(frozen=True)
class Channel:
    """A worker's process, the connection to it, and what it prints."""

    process: subprocess.Popen[bytes]
    connection: Connection
    log: IO[bytes]

    def ask(self, message: Any) -> Any:
        """The answer to a message.

        Raises:
            _NoAnswerError: There is none.
        """
        try:
            self.connection.send(message)
            if not self.connection.poll(PATIENCE):
                raise _NoAnswerError(f"gave no answer in {PATIENCE:.0f} s; {_last_line(self.log)}")
            return self.connection.recv()
        except (EOFError, OSError) as error:
            raise _NoAnswerError(f"ended ({_ended(self.process)}); {_last_line(self.log)}") from error


@contextmanager
def start_worker(job: Job) -> Iterator[Worker]:
    """A worker that has answered its first image; its process ends with the block.

    Raises:
        UnsupportedModelError: Its engine cannot open the model, or dies of it.
    """
    ours, theirs = Pipe()
    with tempfile.TemporaryFile() as log, ours:
        start = time.perf_counter()
        with theirs, _running(log, worker.__name__, str(theirs.fileno()), keep=(theirs.fileno(),)) as process:
            theirs.close()
            channel = Channel(process, ours, log)
            _open(channel, job)
            yield Worker(job.engine, (time.perf_counter() - start) * 1000, channel)


def convert(source: Path, target: Path) -> None:
    """Make a LiteRT file of a Keras file, in a process of its own.

    Raises:
        UnsupportedModelError: It does not convert.
    """
    with (
        tempfile.TemporaryFile() as log,
        _running(log, conversion.__name__, str(source), str(target)) as process,
    ):
        if process.wait():
            raise UnsupportedModelError(f"{source} does not convert; {_last_line(log)}")


def _open(channel: Channel, job: Job) -> None:
    try:
        fault = channel.ask(job)
    except _NoAnswerError as error:
        raise UnsupportedModelError(str(error)) from error
    if fault is not None:
        raise UnsupportedModelError(fault)


@contextmanager
def _running(
    log: IO[bytes], module: str, *arguments: str, keep: tuple[int, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ``python -m module arguments``, killed when the block ends."""
    process = subprocess.Popen(  # noqa: S603 (a module of ours)
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        env={**os.environ, **_ENVIRONMENT},
        pass_fds=keep,
        # An interrupt from the terminal is for this process alone, which then ends all others.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _ended(process: subprocess.Popen[bytes]) -> str:
    code = process.wait()
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read().decode(errors="replace").split("\n") if line.strip()]
    return f"last line: {lines[-1][-_SHOWN:]}" if lines else "it printed nothing"
