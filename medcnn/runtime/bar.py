"""A bar below the lines of a run, where they go to a terminal: items that ended, the time, and what is left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


def printed(line: str) -> None:
    """Show a line at once, also where the output is a file."""
    print(line, flush=True)


@dataclass(frozen=True)
class Bar:
    """Where a run is shown.

    Attributes:
        line: shows a line for good.
        at: shows how many items have ended, and what runs.
    """

    line: Callable[[str], None] = printed
    at: Callable[[int, str], None] = lambda _ended, _text: None


@contextmanager
def bar(total: int) -> Iterator[Bar]:
    """A bar for so many items, as long as the block lasts; in a file or a pipe lines alone."""
    if not sys.stdout.isatty():
        yield Bar()
        return
    # A tenth of a second that only a terminal has to wait for.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (MofNCompleteColumn(), BarColumn(20), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield Bar(
            lambda line: progress.console.print(line, markup=False, highlight=False, soft_wrap=True),
            lambda ended, text: progress.update(task, completed=ended, description=text),
        )
