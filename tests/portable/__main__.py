"""``python -m tests.portable``: run the kinds of stages as processors of several kinds, and say which files differ."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.portable.work import ALL, chosen
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
    parser.add_argument(
        "--stages", nargs="*", default=ALL, help="to run on them, such as train or 'train phantom tiny' (default: all)"
    )
    options = parser.parse_args()
    if options.cpus and not shutil.which(EMULATOR):
        print(f"{EMULATOR} not found: install qemu-user 8 or later (apt install qemu-user), or give --cpus alone")
        return 2
    with tempfile.TemporaryDirectory() as name:
        portable, native = (Run(Path(name) / kept, kept) for kept in ("portable", "native"))
        here = wanted(portable.hashes(ALL), options.stages)
        others = {cpu: portable.elsewhere(cpu, (EMULATOR, "-cpu", cpu)).hashes(options.stages) for cpu in options.cpus}
        unmasked = wanted(native.hashes(ALL), options.stages)
        masked = {f"native, {MASKED}": native.elsewhere("masked", environment=_HIDDEN).hashes(options.stages)}
    print(*table(here, others), "", *table(unmasked, masked), sep="\n")
    return int(any(other != here for other in others.values()))


@dataclass(frozen=True)
class Run:
    """All steps in a process of its own.

    Attributes:
        folder: where it works.
        kept: ``compute.bytes``.
        emulator: a command that runs the rest of its arguments.
        environment: of the process, beside that of this one.
        given: the folder of another run, whose files each step reads.
    """

    folder: Path
    kept: str
    emulator: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    given: Path | None = None

    def elsewhere(self, name: str, emulator: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> Run:
        """The same steps on another processor, each of which reads what this run wrote."""
        return Run(self.folder.with_name(f"{self.kept}-{name}"), self.kept, emulator, environment or {}, self.folder)

    def hashes(self, stages: Sequence[str]) -> Hashes:
        """Run the steps of some stages.

        Raises:
            CalledProcessError: a stage failed.
        """
        given = ["--given", str(self.given)] if self.given else []
        command = [*self.emulator, sys.executable, "-m", "tests.portable.work", str(self.folder), self.kept, *given]
        print(f"running {self.folder.name}", flush=True)
        done = subprocess.run(
            [*command, "--stages", *stages],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        rows = (line.split("\t") for line in done.stdout.splitlines())
        return {(step, path): digest for step, path, digest in rows}


def wanted(found: Hashes, stages: Sequence[str]) -> Hashes:
    """Those of some stages."""
    steps = chosen(stages)
    return {key: digest for key, digest in found.items() if key[0] in steps}


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
