"""Measures what the README claims about speed and memory; `make bench` runs it in a throwaway clone."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROUNDS = 5
MIB = 1024
IMPORTS = "import medcnn.metrics, medcnn.splitting, medcnn.params"
FEATURES = """
import time
from pathlib import Path
import numpy as np
from medcnn import features, layout, params, seeding
seeding.pin_tensorflow(1)
from medcnn.models.building import build, extractor
net = extractor(build(params.load().model("lite0"), 224, 4, layout.weights("lite0")))
images = np.random.default_rng(0).integers(0, 256, (512, 224, 224, 3), np.uint8)
features.forward(net, images[:128])
start = time.perf_counter()
features.forward(net, images)
print(len(images) / (time.perf_counter() - start))
"""


def main() -> None:
    """Print one table: pipeline, no-op, imports, features."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "medcnn"
        subprocess.run(["git", "clone", "--quiet", ".", str(clone)], check=True)
        print(f"{'stage':<28}{'seconds':>9}{'peak MiB':>10}")
        total = 0.0
        for stage in stages(clone):
            seconds, peak = timed(clone, "dvc", "repro", "--quiet", "--single-item", stage)
            total += seconds
            print(f"{stage:<28}{seconds:>9.1f}{peak:>10.0f}")
        print(f"{'the whole pipeline':<28}{total:>9.1f}   with a start of dvc for every stage")
        report("dvc repro, nothing to do", "s", [timed(clone, "dvc", "repro", "--quiet")[0] for _ in range(ROUNDS)])
        report(IMPORTS, "s", [timed(clone, sys.executable, "-c", IMPORTS)[0] for _ in range(ROUNDS)])
        report("lite0 features at 224", "images/s", [float(output(clone, FEATURES)) for _ in range(ROUNDS)])


def stages(clone: Path) -> list[str]:
    """The stages' names in an order in which they can run."""
    listed = subprocess.run(
        ["dvc", "stage", "list", "--name-only"], cwd=clone, capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


def timed(clone: Path, *command: str) -> tuple[float, float]:
    """Seconds of a command, and the largest resident memory in MiB of any one of its processes."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=clone, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed in {clone}")
    return time.perf_counter() - start, usage.ru_maxrss / MIB


def output(clone: Path, code: str) -> str:
    """What a Python program prints."""
    return subprocess.run([sys.executable, "-c", code], cwd=clone, capture_output=True, text=True, check=True).stdout


def report(what: str, unit: str, figures: list[float]) -> None:
    """One line: median and range."""
    print(
        f"{what}: median {median(figures):.2f} {unit} ({min(figures):.2f} to {max(figures):.2f}, {len(figures)} runs)"
    )


if __name__ == "__main__":
    main()
