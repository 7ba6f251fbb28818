"""``python -m tests.portable``: run the kinds of stages as processors of several kinds, and say which files differ."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tests.project import ROOT

EMULATOR = "qemu-x86_64"
EMULATED = ("Haswell", "EPYC-Milan", "Skylake-Server")
"""Processors of QEMU's; it has no AVX-512, so that a Skylake differs from a Haswell by its caches alone."""
MASKED = "this one with AVX-512 hidden"
"""What ``native`` gives then shows that there is something to differ."""
_HIDDEN = {"ONEDNN_MAX_CPU_ISA": "AVX2"}

Hashes = Mapping[tuple[str, str], str]
"""Of each file that a stage wrote, by both."""


def main() -> int:
    """Print a row per stage and a column per processor; the exit code is 1 where portable bytes differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.portable")
    parser.add_argument("--cpus", nargs="*", default=EMULATED, help=f"of {EMULATOR} -cpu help (default: %(default)s)")
    options = parser.parse_args()
    if options.cpus and not shutil.which(EMULATOR):
        print(f"{EMULATOR} not found: install qemu-user 8 or later (apt install qemu-user), or give --cpus alone")
        return 2
    with tempfile.TemporaryDirectory() as name:
        here = hashes(Path(name), "portable")
        others = {cpu: hashes(Path(name), "portable", (EMULATOR, "-cpu", cpu)) for cpu in options.cpus}
        native = hashes(Path(name), "native")
        masked = {f"native, {MASKED}": hashes(Path(name), "native", environment=_HIDDEN)}
    print(*table(here, others), "", *table(native, masked), sep="\n")
    return int(any(other != here for other in others.values()))


def hashes(
    folder: Path, kept: str, emulator: Sequence[str] = (), environment: Mapping[str, str] | None = None
) -> Hashes:
    """Run all steps in a process of its own.

    Raises:
        CalledProcessError: a stage failed.
    """
    work = folder / "-".join((kept, *emulator[2:], *(environment or {})))
    command = [*emulator, sys.executable, "-m", "tests.portable.work", str(work), kept]
    print(f"running {work.name}", flush=True)
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, text=True, check=True
    )
    rows = (line.split("\t") for line in done.stdout.splitlines())
    return {(step, path): digest for step, path, digest in rows}


def table(here: Hashes, others: Mapping[str, Hashes]) -> Iterator[str]:
    """Lines of Markdown: per step whether each processor gave the files of this one, or the first that it did not."""
    yield f"| stage | {' | '.join(others)} |"
    yield f"|---|{'---|' * len(others)}"
    for step in dict.fromkeys(step for step, _ in here):
        yield f"| {step} | {' | '.join(_verdict(step, here, other) for other in others.values())} |"


def _verdict(step: str, here: Hashes, other: Hashes) -> str:
    files = [path for name, path in here if name == step]
    differing = [path for path in files if other.get((step, path)) != here[step, path]]
    return f"{len(differing)} of {len(files)} differ, such as {differing[0]}" if differing else "equal"


if __name__ == "__main__":
    sys.exit(main())
