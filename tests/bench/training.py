"""Training a whole network as the pipeline does, beside plain Keras ``fit`` on the same images, in turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
from scipy import stats

from tests.bench.steps import INPUTS, WAYS
from tests.bench.timing import output
from tests.project import ROOT, shrink

STUDY = "bench"
BAR, INPUT_BAR = 1.2, 3.0
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Turn:
    """Images of a turn, the seconds that it took, and the seconds that it computed on all cores together."""

    images: int
    seconds: float
    computed: float

    @property
    def rate(self) -> float:
        return self.images / self.seconds


class Worker:
    """A way to train, in a process of its own that waits for its turns."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def turn(self, batches: int) -> Turn:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(batches, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit("a way to train ended, for the reason above")
        return Turn(**json.loads(answer))


def main(source: Path, model: str, size: int, rounds: int, batches: int) -> None:
    """Print images per second of each way, and their ratios with intervals."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = _prepared(Path(name), source, model, size)
        workers = {way: stack.enter_context(_started(folder, way, model)) for way in WAYS}
        for worker in workers.values():
            worker.turn(2)
        turns = [{way: worker.turn(batches) for way, worker in workers.items()} for _ in range(rounds)]
    for way in WAYS:
        rates = [turn[way].rate for turn in turns]
        computed = median(1000 * turn[way].computed / turn[way].images for turn in turns)
        print(
            f"{way}: median {median(rates):.1f} images per second ({min(rates):.1f} to {max(rates):.1f}), "
            f"{computed:.1f} ms of CPU per image"
        )
    for way, other, bar in (("medcnn", "keras", BAR), *((way, "medcnn", INPUT_BAR) for way in INPUTS)):
        _print_ratio(f"{way} against {other}", [turn[way].rate / turn[other].rate for turn in turns], bar)
        computed = [turn[other].computed / turn[other].images * turn[way].images / turn[way].computed for turn in turns]
        _print_ratio(f"{way} against {other}, by CPU", computed, bar)


def _prepared(folder: Path, source: Path, model: str, size: int) -> Path:
    """A project with the images, ready to be trained on."""
    shrink(folder, {})
    environment = {"PYTHONPATH": str(ROOT)}
    run = (sys.executable, "-m")
    output(folder, *run, "medcnn", "init", str(source), STUDY, "--size", str(size), environment=environment)
    for stage, item in (("download", STUDY), ("split", STUDY), ("prepare", STUDY), ("weights", model)):
        output(folder, *run, f"stages.{stage}", item, environment=environment)
    return folder


@contextmanager
def _started(folder: Path, way: str, model: str) -> Iterator[Worker]:
    command = [sys.executable, "-m", "tests.bench.steps", way, STUDY, model]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, text=True, **pipes
    ) as started:
        yield Worker(started)


def _print_ratio(what: str, ratios: list[float], bar: float) -> None:
    """Their geometric mean with its interval by Student's t, as turns are independent."""
    logs = np.log(ratios)
    low, high = stats.t.interval(CONFIDENCE, len(logs) - 1, logs.mean(), stats.sem(logs))
    print(f"{what}: {np.exp(logs.mean()):.2f} times [{np.exp(low):.2f}, {np.exp(high):.2f}], at least {bar} wanted")
