"""Worker processes, as the one that times them sees them: started, asked, and ended whatever happens."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, TextIO

from medcnn.benchmark import conversion, worker
from medcnn.benchmark.subjects import Job
from medcnn.core.errors import MedcnnError
from medcnn.core.seeding import ENVIRONMENT

PATIENCE = 600.0
"""Seconds after which a worker that says nothing is given up; no single turn takes so long."""
# Libraries built on OpenMP would go on waiting busily after a call, on the cores that the next engine needs.
_ENVIRONMENT = {**ENVIRONMENT, "KMP_BLOCKTIME": "0", "OMP_WAIT_POLICY": "PASSIVE"}
_WORDS = 300


class RefusedError(MedcnnError):
    """An engine cannot open the model; the text is the reason."""


class _LostError(Exception):
    """A worker died or hung; the text says how, with its last words."""


@dataclass(frozen=True)
class Worker:
    """A running engine.

    Attributes:
        engine: Its name.
        cold_start_ms: From the start of its process to its first answer.
    """

    engine: str
    cold_start_ms: float
    _line: _Line

    def ask(self, command: str, **arguments: Any) -> Any:
        """What a command of the worker's returns.

        Raises:
            MedcnnError: The worker died, or said nothing for too long; the line has its last words.
        """
        try:
            return self._line.ask({"do": command, **arguments})
        except _LostError as error:
            raise MedcnnError(f"{self.engine} {error}") from error


@dataclass(frozen=True)
class _Line:
    """The two ways between here and a process."""

    process: subprocess.Popen[bytes]
    channel: TextIO
    log: IO[bytes]

    def ask(self, message: dict[str, Any]) -> Any:
        try:
            self.channel.write(json.dumps(message) + "\n")
            self.channel.flush()
            answer = self.channel.readline()
        except TimeoutError as error:
            raise _LostError(f"gave no answer in {PATIENCE:.0f} s; {_last_words(self.log)}") from error
        except OSError:
            answer = ""
        if not answer:
            raise _LostError(f"ended ({_ended(self.process)}); {_last_words(self.log)}")
        return json.loads(answer)


@contextmanager
def employed(job: Job) -> Iterator[Worker]:
    """A worker that has answered its first image; its process ends with the block.

    Raises:
        RefusedError: Its engine cannot open the model, or dies of it.
    """
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE)
    with tempfile.TemporaryFile() as log, ours, ours.makefile("rw", encoding="utf-8") as channel:
        start = time.perf_counter()
        with theirs, _running(log, worker.__name__, str(theirs.fileno()), keep=(theirs.fileno(),)) as process:
            theirs.close()
            line = _Line(process, channel, log)
            _open(line, job)
            yield Worker(job.engine, (time.perf_counter() - start) * 1000, line)


def convert(source: Path, target: Path) -> None:
    """Make a LiteRT file of a Keras file, in a process of its own.

    Raises:
        RefusedError: It does not convert.
    """
    with (
        tempfile.TemporaryFile() as log,
        _running(log, conversion.__name__, str(source), str(target)) as process,
    ):
        if process.wait():
            raise RefusedError(f"{source} does not convert; {_last_words(log)}")


def _open(line: _Line, job: Job) -> None:
    try:
        first = line.ask(asdict(job))
    except _LostError as error:
        raise RefusedError(str(error)) from error
    if "fault" in first:
        raise RefusedError(first["fault"])


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


def _last_words(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return f"last words: {said[-1][-_WORDS:]}" if said else "it said nothing"
