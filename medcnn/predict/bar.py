"""A progress bar on a terminal, and nothing anywhere else."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_WIDTH = 30
_EVERY = 0.1


class ProgressBar:
    """How many of the files are done, on one line that is redrawn.

    Args:
        total: how many there are.
        stream: where to draw.
        wanted: whether to draw at all; it would break up rows that go to the same terminal.
    """

    def __init__(self, total: int, wanted: bool, stream: TextIO | None = None) -> None:
        self._total, self._wanted, self._done = total, wanted, 0
        self._stream = stream or sys.stderr
        self._started = time.monotonic()
        self._drawn = 0.0

    def advance(self) -> None:
        """One more file is done."""
        self._done += 1
        now = time.monotonic()
        if self._wanted and (now - self._drawn >= _EVERY or self._done == self._total):
            self._drawn = now
            self._stream.write(f"\r{self._line(now - self._started)}\033[K")
            self._stream.flush()

    def close(self) -> None:
        """Leave the line as it is and go to the next one."""
        if self._drawn:
            self._stream.write("\n")
            self._stream.flush()

    def _line(self, seconds: float) -> str:
        filled = _WIDTH * self._done // self._total
        rate = self._done / max(seconds, 1e-9)
        left = round((self._total - self._done) / rate)
        bar = f"[{'#' * filled}{'.' * (_WIDTH - filled)}]"
        return f"{bar} {self._done}/{self._total} files, {rate:.1f}/s, {left // 60}:{left % 60:02d} left"
