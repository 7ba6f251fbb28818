"""One run of the pipeline whose stages are killed, moment after moment, and the table of what that cost.

``python -m tests.faults.kills FOLDER`` does it to the default study, in a new repository, and compares with dvc.lock.
"""

from __future__ import annotations

import contextlib
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.faults.conftest import assert_clean, locked, started
from tests.pipeline.conftest import commit, repository
from tests.project import ROOT, shrink

DEADLINE = 900
"""Seconds that one `dvc repro` may take."""


class Run:
    """A `dvc repro` that is watched."""

    def __init__(self, folder: Path, targets: Sequence[str]) -> None:
        self.folder = folder
        self.dvc = started(folder, "dvc", "repro", *targets)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def stages(self) -> list[str]:
        """The stages that were started, in order."""
        return [match[1] for line in list(self.lines) if (match := re.match(r"Running stage '(.+)':", line))]

    @property
    def epochs(self) -> list[int]:
        """The epochs that ended, in order."""
        return [int(match[1]) for line in list(self.lines) if (match := re.match(r"Epoch (\d+)/", line))]

    @property
    def workers(self) -> list[psutil.Process]:
        """The stage's processes: the shell, its Python and whatever that started."""
        try:
            family = psutil.Process(self.dvc.pid).children(recursive=True)
            return [one for one in family if "stages." in " ".join(one.cmdline()) or one.ppid() != self.dvc.pid]
        except psutil.NoSuchProcess:
            return []

    @property
    def stage(self) -> psutil.Process:
        """The stage's own Python."""
        return next(worker for worker in self.workers if "-m" in worker.cmdline())

    def kill_stage(self) -> None:
        """Kill -9 the stage's process and its children; DVC stays."""
        for worker in self.workers:
            worker.send_signal(signal.SIGKILL)

    def end(self) -> int:
        """Wait for DVC; its exit code."""
        code = self.dvc.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code

    def _read(self) -> None:
        assert self.dvc.stdout is not None
        for line in self.dvc.stdout:
            self.lines.append(line.rstrip("\n"))


@dataclass(frozen=True)
class Moment:
    """When a stage is killed: as soon as ``reached`` says so of the run in which it is the one that works."""

    stage: str
    name: str
    reached: Callable[[Run], str | None]


@dataclass
class Kill:
    """What a kill met, and what the next run did about it."""

    moment: Moment
    met: str
    ran_again: list[str] = field(default_factory=list)
    went_on_at: str = ""

    def __str__(self) -> str:
        again = ", ".join(self.ran_again) + self.went_on_at
        return f"| {self.moment.stage} | {self.moment.name} | {self.met} | {again} |"


def begins() -> Callable[[Run], str | None]:
    """As soon as the process is there."""
    return lambda run: "a process" if run.workers else None


def reads(path: str) -> Callable[[Run], str | None]:
    """While the process has a file open."""

    def reached(run: Run) -> str | None:
        with contextlib.suppress(psutil.Error):
            if any(file.path.endswith(path) for worker in run.workers for file in worker.open_files()):
                return f"{path} open"
        return None

    return reached


def writes(pattern: str) -> Callable[[Run], str | None]:
    """While a file is being written: its temporary is there."""

    def reached(run: Run) -> str | None:
        with contextlib.suppress(FileNotFoundError):
            for path in run.folder.glob(pattern):
                if size := path.stat().st_size:
                    return f"a temporary of {size} bytes"
        return None

    return reached


def has_written(pattern: str, of: int) -> Callable[[Run], str | None]:
    """When some of the stage's files are there, and not yet all."""

    def reached(run: Run) -> str | None:
        count = len(list(run.folder.glob(pattern)))
        return f"{count} of {of} files" if 0 < count < of else None

    return reached


def trained(epochs: int) -> Callable[[Run], str | None]:
    """After so many epochs in this process."""
    return lambda run: f"epoch {run.epochs[-1]} done" if _epochs_of_last_stage(run) >= epochs else None


def moments(whole: str, models: int) -> list[Moment]:
    """The moments of a run over the default study.

    Args:
        whole: a network of the run that is trained through; lite0's head, and a chain on it, are as well.
        models: how many models, ensembles and cascades are evaluated.
    """
    hidden = ".*.partial*"
    return [
        Moment("download@phantom", "download, the archive half there", writes(f".dvc/tmp/medcnn/partial/{hidden}")),
        Moment("split@phantom", "split, reading images", reads("phantom.zip")),
        Moment("prepare@phantom", "prepare, a file of pixels half there", writes(f"data/prepared/phantom/**/{hidden}")),
        Moment("weights@lite0", "pretrained weights, just begun", begins()),
        Moment(f"train@phantom-{whole}", "epochs of a network trained through", trained(3)),
        Moment("train@phantom-lite0", "features half there", writes(f".dvc/tmp/medcnn/features/{hidden}")),
        Moment("train@phantom-lite0", "epochs of a head", trained(2)),
        Moment("train@phantom-lite0", "model file half there", writes(f"data/models/phantom/lite0/{hidden}")),
        Moment("chain@phantom-lite0-relay", "epochs of a chain", trained(1)),
        Moment("ensemble@phantom", "ensemble, just begun", begins()),
        Moment("evaluate@phantom", "evaluate, some results there", has_written("metrics/evaluate/phantom/*", models)),
        Moment("export@phantom-lite0", "export, int8 not there yet", has_written("data/models/*/lite0/*.onnx", 2)),
    ]  # fmt: skip


def killed(folder: Path, targets: Sequence[str], wanted: Sequence[Moment]) -> tuple[list[Kill], list[Run]]:
    """Run the targets and kill a stage at each moment, then go on; until a run ends by itself.

    Returns:
        The kills, and all runs, of which the last was not disturbed any more.
    """
    waiting, kills, runs = list(wanted), list[Kill](), list[Run]()
    while True:
        run = Run(folder, targets)
        runs.append(run)
        moment, met = _watched(run, waiting)
        code = run.end()
        if kills:
            _note(kills[-1], run)
        if moment is None:
            assert code == 0, "\n".join(run.lines[-20:])
            return kills, runs
        assert code != 0, f"{moment.name}: DVC took a killed stage for a finished one"
        assert_clean(folder)
        waiting.remove(moment)
        kills.append(Kill(moment, met))


def table(kills: Sequence[Kill]) -> str:
    """The kills as a Markdown table."""
    head = "| killed stage | moment | found | ran again next |\n|---|---|---|---|"
    return "\n".join([head, *map(str, kills)])


def repeated(runs: Sequence[Run], kills: Sequence[Kill]) -> list[str]:
    """The stages that ran although they had finished before."""
    started_stages = [stage for run in runs for stage in run.stages]
    died = [kill.moment.stage for kill in kills]
    return sorted({stage for stage in started_stages if started_stages.count(stage) > 1 + died.count(stage)})


def _watched(run: Run, waiting: Sequence[Moment]) -> tuple[Moment | None, str]:
    """Kill at the first moment that is reached; no moment where the run ended before."""
    while run.dvc.poll() is None:
        now = run.stages[-1:]
        for moment in (one for one in waiting if [one.stage] == now):
            if met := moment.reached(run):
                run.kill_stage()
                return moment, met
        time.sleep(0.0005)
    return None, ""


def _note(kill: Kill, run: Run) -> None:
    kill.ran_again = run.stages[:1]
    if "epoch" in kill.met and run.epochs:
        kill.went_on_at = f", on from epoch {run.epochs[0]}"


def _epochs_of_last_stage(run: Run) -> int:
    lines = list(run.lines)
    begun = max(index for index, line in enumerate(lines) if line.startswith("Running stage"))
    return sum(line.startswith("Epoch ") for line in lines[begun:])


def main(folder: Path) -> int:
    """Kill the default run at every moment; 0 if its lock is that of this project."""
    repository(folder)
    shrink(folder, {})
    commit(folder)
    targets = ("evaluate@phantom", "export@phantom-deep", "export@phantom-lite0")
    kills, runs = killed(folder, targets, moments("deep", 11))
    print(table(kills))
    here, there = locked(ROOT), locked(folder)
    differing = sorted(name for name in there if there[name] != here.get(name))
    again = repeated(runs, kills)
    print(f"{len(kills)} kills, {len(runs)} runs; repeated: {again or 'none'}; other bytes: {differing or 'none'}")
    return int(bool(differing or again))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
