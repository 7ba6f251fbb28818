"""What ``dvc repro`` prints, line by line: stages with their number and the time, without advice that helps nobody."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from medcnn.runtime.children import Children

REPRO = (sys.executable, "-m", "dvc", "--wait-for-lock", "repro")
ADVICE = (
    "Generating lock file",
    "Updating lock file",
    "To track the changes with git",
    "\tgit add ",
    "To enable auto staging",
    "\tdvc config core.autostage",
    "Use `dvc push`",
)
"""Lines of DVC 3 after every item that would make sense once, after the last; they are not shown."""
_RUNNING = re.compile(r"Running stage '([^']+)'")
_QUIET = re.compile(
    r"Stage '[^']+' (?:didn't change|is cached)|No file hash info found|^WARNING: '[^']+' is empty|\d%\|"
)
"""What says nothing new: outs that were never made have no hash, a run of one model has no ensembles, and bars move."""
_HARMLESS = (*ADVICE, "> python -m stages.", "Verifying data sources")


class Shown:
    """The lines of a run, shown as they come.

    Attributes:
        ran: the items that DVC ran, in order.
        seconds: how long each item that has ended took, now or in an earlier run.
    """

    def __init__(
        self,
        order: Sequence[str],
        show: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        seconds: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """Show lines.

        Args:
            order: the items that DVC looks at.
            show: what takes a line.
            clock: seconds from any moment on.
            seconds: how long items took in earlier runs.
        """
        self.seconds = dict(seconds)
        self._order = tuple(order)
        self._since: float | None = None
        self._places = {name: place for place, name in enumerate(order, 1)}
        self._show = show
        self._clock = clock
        self._start = clock()
        self.ran: list[str] = []

    def repro(self, children: Children, targets: Sequence[str]) -> int:
        """Run ``dvc repro`` and show what it prints; its exit code.

        Args:
            children: where it runs.
            targets: as DVC takes them; none for the whole pipeline.
        """
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
        with children.started([*REPRO, *targets], env=environment, **streams) as child:
            for line in child.stdout or ():
                self.line(line)
            code = child.wait()
        self._ended(self._clock())
        return code

    def line(self, text: str) -> None:
        """Take one line of DVC or of a stage."""
        text = text.rstrip()
        if found := _RUNNING.search(text):
            now = self._clock()
            self._ended(now)
            self._since = now
            self.ran.append(found[1])
            self._show(self._stage(found[1], now))
        elif text.strip() and not text.startswith(_HARMLESS) and not _QUIET.search(text):
            self._show(f"  {text}")

    def _ended(self, now: float) -> None:
        if self._since is not None:
            self.seconds[self.ran[-1]] = now - self._since
        self._since = None

    def _stage(self, name: str, now: float) -> str:
        place = self._places.get(name, len(self.ran))
        stage, _, item = name.partition("@")
        shown = f"{stage} {item.replace('-', ' ')}".strip()
        passed = elapsed(now - self._start)
        return f"stage {place} of {len(self._places)}: {shown}, {passed}{self._left(place)}"

    def _left(self, place: int) -> str:
        """How long this item and those after it took in an earlier run; nothing where that is not known of all."""
        left = [self.seconds.get(name) for name in self._order[place - 1 :]]
        known = [seconds for seconds in left if seconds is not None]
        return f", at most about {elapsed(sum(known))} left" if known and len(known) == len(left) else ""


def printed(line: str) -> None:
    """Show a line at once, also where the output is a file."""
    print(line, flush=True)


def elapsed(seconds: float) -> str:
    """A time as minutes and seconds, with hours where there are any: ``00:41``, ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
