"""Progress of bytes, on standard error."""

from __future__ import annotations

import sys
from typing import IO, NoReturn

from tqdm import tqdm

BLOCK = 1 << 20


def bar(name: str, total: int | None, done: int = 0) -> tqdm[NoReturn]:
    """A progress bar over ``total`` bytes of which ``done`` are there already."""
    # A terminal is redrawn often; a log file gets a line now and then.
    interval = 0.1 if sys.stderr.isatty() else 10
    return tqdm(
        desc=name, total=total, initial=done, unit="B", unit_scale=True, unit_divisor=1024, mininterval=interval
    )


def copy(source: IO[bytes], target: IO[bytes], progress: tqdm[NoReturn]) -> None:
    """Copy what is left of ``source`` to ``target`` in blocks."""
    while block := source.read(BLOCK):
        target.write(block)
        progress.update(len(block))
