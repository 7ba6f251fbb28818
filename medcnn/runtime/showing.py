"""What ``dvc repro`` prints, line by line: stages with their number and the time, without advice that helps nobody."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from medcnn.runtime.bar import Bar
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
        bar: where lines go.
        seconds: how long each item that has ended took, now or in an earlier run.
    """

    def __init__(
        self,
        order: Sequence[str],
        bar: Bar,
        clock: Callable[[], float] = time.monotonic,
        seconds: Mapping[str, float] = MappingProxyType({}),
        begun: Callable[[], None] = lambda: None,
    ) -> None:
        """Show lines.

        Args:
            order: the items that DVC looks at.
            bar: where they go.
            clock: seconds from any moment on.
            seconds: how long items took in earlier runs.
            begun: called as an item begins.
        """
        self._begun = begun
        self.seconds = dict(seconds)
        self._order = tuple(order)
        self._since: dict[str, float] = {}
        self._over: set[str] = set()
        self._places = {name: place for place, name in enumerate(order, 1)}
        self.bar = bar
        self._clock = clock
        self._start = clock()
        self.ran: list[str] = []

    def repro(self, children: Children, targets: Sequence[str]) -> int:
        """Run ``dvc repro`` and show what it prints; its exit code.

        Args:
            children: where it runs.
            targets: as DVC takes them; none for the whole pipeline.
        """
        code = self.called(children, [*REPRO, *targets])
        for name in tuple(self._since):
            self.end(name)
        return code

    def called(self, children: Children, command: Sequence[str]) -> int:
        """Run a command and show what it prints; its exit code."""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
        with children.started(command, env=environment, **streams) as child:
            for line in child.stdout or ():
                self.line(line)
            return child.wait()

    def line(self, text: str) -> None:
        """Take one line of DVC or of a stage."""
        text = text.rstrip()
        if found := _RUNNING.search(text):
            now = self._clock()
            for name in tuple(self._since):
                self.end(name, now)
            self._over.update(self._order[: self._places.get(found[1], 1) - 1])
            self.begin(found[1], now)
        elif text.strip() and not text.startswith(_HARMLESS) and not _QUIET.search(text):
            self.bar.line(f"  {text}")

    def begin(self, name: str, now: float | None = None) -> None:
        """Show that an item begins: its number, the time since the start, and what is left."""
        self._begun()
        now = self._clock() if now is None else now
        self._since[name] = now
        self.ran.append(name)
        stage, _, item = name.partition("@")
        shown, left = f"{stage} {item.replace('-', ' ')}".strip(), self._left()
        place = self._places.get(name, len(self.ran))
        self.bar.line(f"stage {place} of {len(self._places)}: {shown}, {elapsed(now - self._start)}{left}")
        self.bar.at(len(self._over), f"{shown}{left}")

    def end(self, name: str, now: float | None = None) -> None:
        """Note how long an item took."""
        self.seconds[name] = (self._clock() if now is None else now) - self._since.pop(name)
        self._over.add(name)

    def _left(self) -> str:
        """How long what has not ended took in an earlier run; nothing where that is not known of all."""
        left = [self.seconds.get(name) for name in self._order if name not in self._over]
        known = [seconds for seconds in left if seconds is not None]
        return f", at most about {elapsed(sum(known))} left" if known and len(known) == len(left) else ""


def elapsed(seconds: float) -> str:
    """A time as minutes and seconds, with hours where there are any: ``00:41``, ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
