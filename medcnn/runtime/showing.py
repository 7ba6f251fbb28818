"""What ``dvc repro`` prints, line by line: stages with their number and the time, without advice that helps nobody."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

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
    """

    def __init__(
        self, order: Sequence[str], show: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
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
            return child.wait()

    def line(self, text: str) -> None:
        """Take one line of DVC or of a stage."""
        text = text.rstrip()
        if found := _RUNNING.search(text):
            self.ran.append(found[1])
            self._show(self._stage(found[1]))
        elif text.strip() and not text.startswith(_HARMLESS) and not _QUIET.search(text):
            self._show(f"  {text}")

    def _stage(self, name: str) -> str:
        place = self._places.get(name, len(self.ran))
        stage, _, item = name.partition("@")
        shown = f"{stage} {item.replace('-', ' ')}".strip()
        return f"stage {place} of {len(self._places)}: {shown}, {elapsed(self._clock() - self._start)}"


def printed(line: str) -> None:
    """Show a line at once, also where the output is a file."""
    print(line, flush=True)


def elapsed(seconds: float) -> str:
    """A time as minutes and seconds, with hours where there are any: ``00:41``, ``1:02:03``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
