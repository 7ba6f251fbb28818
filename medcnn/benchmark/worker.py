"""The process of one engine: it opens its model, answers an image, and then obeys one command after another.

``python -m medcnn.benchmark.worker DESCRIPTOR``: of a ``multiprocessing`` connection, so that what libraries print does
not get between the messages. A worker ends when the other side of its connection does.
"""

from __future__ import annotations

import hashlib
import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cached_property
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from medcnn.benchmark.engines import available
from medcnn.benchmark.job import Job
from medcnn.benchmark.timing import Span, timed
from medcnn.dataset import pack
from medcnn.dataset.shards import Shards
from medcnn.reading.decode import Fit

STATUS = Path("/proc/self/status")
_KIB = 1024


def main(descriptor: int) -> None:
    """Open the job that comes first, answer None or what is wrong with it, then serve until the other side closes."""
    with Connection(descriptor) as connection:
        trial = Trial(connection.recv())
        try:
            trial.answer(trial.batch(1, 0))
        except Exception as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            connection.send(lines[0])
            raise
        connection.send(None)
        commands: dict[str, Callable[..., Any]] = {
            "checksum": trial.checksum,
            "calls": trial.calls,
            "from_files": trial.from_files,
            "probabilities": trial.probabilities,
            "peak_memory_mib": peak_memory_mib,
        }
        for command, arguments in _requests(connection):
            connection.send(commands[command](**arguments))


def _requests(connection: Connection) -> Iterator[tuple[str, dict[str, Any]]]:
    with suppress(EOFError):
        while True:
            yield connection.recv()


class Trial:
    """An engine and the images that it is timed on."""

    def __init__(self, job: Job) -> None:
        self._job = job

    @cached_property
    def answer(self) -> available.Engine:
        """The engine, opened on first use."""
        return available.opened(self._job)

    @cached_property
    def _images(self) -> np.ndarray:
        """The timed test images, float32 (N, H, W, 3), as ``Part.first`` gives them."""
        return self._test([index % len(self._job.indices) for index in range(self._job.most)])

    def batch(self, size: int, number: int) -> np.ndarray:
        """The ``number``-th batch of the timed images, beginning anew after the last whole one."""
        start = number % (len(self._images) // size) * size
        return self._images[start : start + size]

    def checksum(self) -> str:
        """The sha256 of the timed images."""
        return hashlib.sha256(self._images.tobytes()).hexdigest()

    def calls(self, batch_size: int, calls: int, seconds: float) -> list[float]:
        """The seconds of calls with one batch after the other."""
        return timed(lambda number: self.answer(self.batch(batch_size, number)), Span(calls, seconds))

    def from_files(self, paths: list[str], size: int, fit: Fit, calls: int, seconds: float) -> list[float]:
        """The seconds of calls from a file on disk to its probabilities."""
        from medcnn.reading import decode

        def answered(number: int) -> None:
            content = Path(paths[number % len(paths)]).read_bytes()
            self.answer(decode.pixels(content, size, fit)[None].astype(np.float32))

        return timed(answered, Span(calls, seconds))

    def probabilities(self, start: int, stop: int) -> np.ndarray:
        """The answers to some of the test images, (stop - start, C)."""
        return self.answer(self._test(range(start, stop)))

    def _test(self, positions: Any) -> np.ndarray:
        return self._prepared[[self._job.indices[position] for position in positions]].astype(np.float32)

    @cached_property
    def _prepared(self) -> Shards:
        return pack.images(Path(self._job.prepared))


def peak_memory_mib() -> float:
    """The largest resident memory of this process.

    ``getrusage`` would count that of the process which started this one, up to the moment at which it became another.
    """
    if STATUS.exists():
        lines = dict(line.split(":", 1) for line in STATUS.read_text(encoding="utf-8").splitlines())
        return int(lines["VmHWM"].split()[0]) / _KIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB**2


if __name__ == "__main__":
    main(int(sys.argv[1]))
