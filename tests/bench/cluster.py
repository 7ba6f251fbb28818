"""Five folds of ``deep`` on a Ray cluster of one node with one core, and on two."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from tests.bench import timing
from tests.cluster import nodes
from tests.project import ROOT, shrink

STUDY, MODEL = "phantom", "deep"
FOLDS = 5
PREPARED = (("download", STUDY), ("split", STUDY), ("prepare", STUDY), ("weights", MODEL), ("train", STUDY, MODEL))


def main(rounds: int) -> None:
    """Time the folds' commands, all started at once, on each cluster in turn; print seconds and the speed-up.

    Fold 0 is the main training, which ``crossval`` copies: four trainings are divided among the nodes. Nodes are up
    and have run a task when the clock starts; that each training starts a process and imports TensorFlow is timed.
    """
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("two nodes of one core each need two cores")
    with tempfile.TemporaryDirectory() as name:
        folder = shrink(Path(name), {"run.folds": list(range(FOLDS)), "compute.cpus_per_task": 1})
        for stage, *arguments in PREPARED:
            timing.output(folder, sys.executable, "-m", f"stages.{stage}", *arguments, environment=_environment())
        found = [(_seconds(folder, 1), _seconds(folder, 2)) for _ in range(rounds)]
    for count, seconds in enumerate(zip(*found, strict=True), 1):
        timing.report(f"{FOLDS} folds of {MODEL}, nodes of 1 CPU: {count}", "s", list(seconds))
    print(f"speed-up on 2 nodes: {median(one / two for one, two in found):.2f}, load {os.getloadavg()[0]:.1f}")


def _seconds(folder: Path, count: int) -> float:
    with nodes.cluster(count, pinned=True) as cluster:
        compute = {"backend": "ray", "address": cluster.address, "cpus_per_task": 1}
        shrink(folder, {"run.folds": list(range(FOLDS))} | {f"compute.{key}": value for key, value in compute.items()})
        warmed = f"list(fanout.each(len, ['any'] * {count}, whole.load().compute))"
        command = (
            sys.executable,
            "-c",
            f"from medcnn.params import whole; from medcnn.runtime import fanout; {warmed}",
        )
        timing.output(folder, *command, environment=_environment())
        start = time.perf_counter()
        running = [_started(folder, fold, count) for fold in range(FOLDS)]
        codes = [process.wait() for process in running]
        if any(codes):
            sys.exit("a fold failed")
        seconds = time.perf_counter() - start
    shutil.rmtree(folder / "data/crossval")
    return seconds


def _started(folder: Path, fold: int, count: int) -> subprocess.Popen[bytes]:
    """The command of a fold, on the core of the node that it would be typed on."""
    core = sorted(os.sched_getaffinity(0))[fold % count]
    command = (sys.executable, "-m", "stages.crossval", STUDY, MODEL, str(fold), "0")
    return subprocess.Popen(
        ("taskset", "--cpu-list", str(core), *command),
        cwd=folder,
        env={**os.environ, **_environment()},
        stdout=subprocess.DEVNULL,
    )


def _environment() -> dict[str, str]:
    return {"PYTHONPATH": str(ROOT)}
