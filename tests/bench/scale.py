"""Growth on one machine: the stages on archives of more and more images, and each beside what it cannot be faster than.

The data are synthetic and made once (``tests.bench.archives``). Predictions for ``evaluate`` are drawn, not trained.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench.timing import Cost, costed, output
from tests.project import ROOT, shrink

STUDY = "phantom"
SIDE = 96
MODELS = ("simple", "deep", "lite0")
STAGES = ("download", "split", "prepare", "features", "evaluate")
LOOKED_AT = 5000
LOOPED = 4096
"""Images of the comparison with Pillow loops: two shards."""
ROUNDS = 3
TIME_BAR, MEMORY_BAR = 1.10, 1.20
SPEED_BAR, PAIR_BAR, FORWARD_BAR = 1.7, 1.15, 1.10

Table = Mapping[int, Mapping[str, Cost]]


def main(folder: Path, sizes: Sequence[int]) -> None:
    """Measure, and print tables in Markdown; archives are kept in ``folder``."""
    table = {images: _measured(folder, images) for images in sizes}
    _print_growth(table)
    looked = min((images for images in sizes if images >= LOOKED_AT), default=max(sizes))
    with throwaway(folder, looked) as project:
        for stage in ("download", "split", "prepare"):
            _stage(project, stage)
        _print_beside(project, min(looked, LOOPED))
    print(output(ROOT, sys.executable, "-m", "tests.bench.near", str(_archive(folder, looked))))


def _measured(folder: Path, images: int) -> dict[str, Cost]:
    with throwaway(folder, images) as project:
        costs = {stage: _stage(project, stage) for stage in ("download", "split", "prepare")}
        _run(project, "stages.weights", "lite0")
        costs["features"] = _run(project, "tests.bench.lite0", STUDY)
        _run(project, "tests.bench.drawn", STUDY, *MODELS)
        costs["evaluate"] = _stage(project, "evaluate")
    for stage, cost in costs.items():
        print(
            f"{images} images, {stage}: {cost.seconds:.1f} s ({cost.computed:.1f} s of CPU), {cost.peak:.0f} MiB",
            file=sys.stderr,
            flush=True,
        )
    return costs


@contextmanager
def throwaway(folder: Path, images: int) -> Iterator[Path]:
    """A throwaway project on the disk of the archives, with one study and no more models than ``MODELS``."""
    changes: dict[str, Any] = {
        f"studies.{STUDY}.source": {"kind": "archive", "path": str(_archive(folder, images))},
        f"studies.{STUDY}.labels.classes": {name: name for name in ("clear", "left", "right", "both")},
        f"studies.{STUDY}.images.size": SIDE,
        f"studies.{STUDY}.images.views.count": 0,
        "run.models": list(MODELS),
        "run.chains": {"first": [], "second": []},
        "run.cascades": {"first": [], "second": []},
    }
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as name:
        yield shrink(Path(name), changes)


def _archive(folder: Path, images: int) -> Path:
    """Made in a process of its own: the memory of this one counts for every process that it starts."""
    output(ROOT, sys.executable, "-m", "tests.bench.archives", str(folder), str(images))
    return folder / f"{images}.zip"


def _stage(project: Path, stage: str) -> Cost:
    return _run(project, f"stages.{stage}", STUDY)


def _run(project: Path, module: str, *arguments: str) -> Cost:
    return costed(project, sys.executable, "-m", module, *arguments, PYTHONPATH=str(ROOT))


def _print_growth(table: Table) -> None:
    print(
        "\n| stage | images | seconds | per 1,000 | CPU seconds | per 1,000 | peak MiB |\n|---|--:|--:|--:|--:|--:|--:|"
    )
    for stage in STAGES:
        for images, costs in table.items():
            cost = costs[stage]
            spent = (f"{seconds:.1f} | {1000 * seconds / images:.2f}" for seconds in (cost.seconds, cost.computed))
            print(f"| {stage} | {images:,} | {' | '.join(spent)} | {cost.peak:.0f} |")
    print("\n| stage | from | to | seconds per 1,000 | bar | peak memory | bar |\n|---|--:|--:|--:|---|--:|---|")
    for less, more in pairwise(table):
        for stage in STAGES:
            one, other = table[less][stage], table[more][stage]
            slower, larger = other.seconds / more / (one.seconds / less), other.peak / one.peak
            print(
                f"| {stage} | {less:,} | {more:,} | x {slower:.2f} | {_held(slower <= TIME_BAR)} "
                f"| x {larger:.2f} | {_held(larger <= MEMORY_BAR)} |"
            )


def _print_beside(project: Path, images: int) -> None:
    archive = next((project / "data/raw" / STUDY).iterdir())
    rounds = [_round(project, archive, images) for _ in range(ROUNDS)]
    alone, pair, prepare = (median(seconds) for seconds in zip(*rounds, strict=True))
    _run(project, "stages.weights", "lite0")
    command = (sys.executable, "-m", "tests.bench.lite0", STUDY, "beside")
    forward = json.loads(output(project, *command, environment={"PYTHONPATH": str(ROOT)}).splitlines()[-1])
    ratio = forward["extracted"] / forward["bare"]
    print(f"\n| {images:,} images, medians of {ROUNDS} rounds in turns | seconds | bar |\n|---|--:|---|")
    print(f"| a Pillow loop | {alone:.1f} | |\n| two Pillow loops side by side | {pair:.1f} | |")
    print(f"| prepare | {prepare:.1f} | x {alone / prepare:.2f} of the loop: {_held(alone / prepare >= SPEED_BAR)} |")
    print(f"| | | x {prepare / pair:.2f} of the two loops' time: {_held(prepare / pair <= PAIR_BAR)} |")
    print(f"| the bare forward pass of lite0, a shard | {forward['bare']:.1f} | |")
    print(f"| features of a shard | {forward['extracted']:.1f} | x {ratio:.2f}: {_held(ratio <= FORWARD_BAR)} |\n")


def _round(project: Path, archive: Path, images: int) -> tuple[float, float, float]:
    """Seconds of one loop, of two loops that share the images, and of prepare; all without imports."""
    half = images // 2
    alone = max(_loops(archive, [(0, images)]))
    pair = max(_loops(archive, [(0, half), (half, images)]))
    command = (sys.executable, "-m", "tests.bench.prepared", STUDY, str(images))
    prepare = output(project, *command, environment={"PYTHONPATH": str(ROOT)})
    return alone, pair, float(prepare)


def _loops(archive: Path, parts: Sequence[tuple[int, int]]) -> list[float]:
    command = (sys.executable, "-m", "tests.bench.pillow_loop", str(archive), str(SIDE))
    loops = [
        subprocess.Popen([*command, str(first), str(last)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for first, last in parts
    ]
    return [float(loop.communicate()[0]) for loop in loops]


def _held(held: bool) -> str:
    return "held" if held else "NOT HELD"
