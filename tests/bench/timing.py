"""Time commands as whole processes, and print medians with their range."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

MIB = 1024


@dataclass(frozen=True)
class Cost:
    """Seconds of a command, those that its processes computed, and the largest resident memory of any one, in MiB."""

    seconds: float
    computed: float
    peak: float


def timed(folder: Path, *command: str, **environment: str) -> tuple[float, float]:
    """Seconds of a command, and the largest resident memory in MiB of any one of its processes."""
    cost = costed(folder, *command, **environment)
    return cost.seconds, cost.peak


def costed(folder: Path, *command: str, **environment: str) -> Cost:
    """What a command costs; where it fails, the benchmark ends."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} failed in {folder}")
    return Cost(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / MIB)


def output(folder: Path, *command: str, environment: Mapping[str, str] | None = None) -> str:
    """What a command prints; where it fails, what it said of it ends the benchmark."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **(environment or {})}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed in {folder}:\n{done.stderr}")
    return done.stdout


def report(what: str, unit: str, figures: list[float]) -> None:
    """Print one line: median and range."""
    print(
        f"{what}: median {median(figures):.2f} {unit} ({min(figures):.2f} to {max(figures):.2f}, {len(figures)} runs)"
    )
