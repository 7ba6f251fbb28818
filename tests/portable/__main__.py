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

from medcnn.core.choices import offer
from tests.portable.disguise import CPUS, Disguise
from tests.portable.work import ALL, chosen
from tests.project import ROOT

EMULATOR = "qemu-x86_64"
"""With ``--emulated``: it has no AVX-512, and takes hours."""
MASKED = "this one with AVX-512 hidden"
"""What ``native`` gives then shows that there is something to differ."""
_HIDDEN = {"ONEDNN_MAX_CPU_ISA": "AVX2"}

Hashes = Mapping[tuple[str, str], str]
"""Of each file that a stage wrote, by both."""


def main() -> int:
    """Print a row per stage and a column per processor; the exit code is 1 where portable bytes differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.portable")
    parser.add_argument(
        "--cpus", nargs="*", default=CPUS, choices=CPUS, help="that this one is taken for (default: all)"
    )
    parser.add_argument("--emulated", nargs="*", default=(), metavar="CPU", help=f"of {EMULATOR} -cpu help")
    parser.add_argument(
        "--stages", nargs="*", default=ALL, help="to run on them, such as train or 'train phantom tiny' (default: all)"
    )
    options = parser.parse_args()
    for unknown in (stage for stage in options.stages if not chosen([stage])):
        parser.error(f"--stages: no stage '{unknown}'; {offer(unknown, ALL)}")
    if options.emulated and not shutil.which(EMULATOR):
        print(f"{EMULATOR} not found: install qemu-user 8 or later (apt install qemu-user)")
        return 2
    # Beside the virtual environment, of which a copy is made by links.
    with tempfile.TemporaryDirectory(dir=Path(sys.prefix).parent, prefix=".portable-") as name:
        folder = Path(name)
        portable, native = (Run(folder / kept, kept) for kept in ("portable", "native"))
        here = wanted(portable.hashes(ALL), options.stages)
        others = {run.name: run.hashes(options.stages) for run in elsewhere(portable, options.cpus, options.emulated)}
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
        python: a command that runs Python.
        environment: of the process, beside that of this one.
        given: the folder of another run, whose files each step reads.
    """

    folder: Path
    kept: str
    python: Sequence[str] = (sys.executable,)
    environment: Mapping[str, str] = field(default_factory=dict)
    given: Path | None = None

    @property
    def name(self) -> str:
        """That of its processor."""
        return self.folder.name.removeprefix(f"{self.kept}-")

    def elsewhere(
        self, name: str, python: Sequence[str] = (sys.executable,), environment: Mapping[str, str] | None = None
    ) -> Run:
        """The same steps on another processor, each of which reads what this run wrote."""
        return Run(self.folder.with_name(f"{self.kept}-{name}"), self.kept, python, environment or {}, self.folder)

    def hashes(self, stages: Sequence[str]) -> Hashes:
        """Run the steps of some stages.

        Raises:
            CalledProcessError: a stage failed.
        """
        given = ["--given", str(self.given)] if self.given else []
        command = [*self.python, "-m", "tests.portable.work", str(self.folder), self.kept, *given]
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


def elsewhere(here: Run, disguised: Sequence[str], emulated: Sequence[str]) -> Iterator[Run]:
    """Runs on other processors, real code with another ``cpuid`` first."""
    if disguised:
        disguise = Disguise.made(here.folder.parent)
        yield from (here.elsewhere(cpu, [str(disguise.python)], disguise.environment(cpu)) for cpu in disguised)
    yield from (here.elsewhere(f"{cpu}, emulated", [EMULATOR, "-cpu", cpu, sys.executable]) for cpu in emulated)


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
