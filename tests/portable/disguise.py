"""This processor taken for another one, at its own speed.

Numerical libraries ask the instruction ``cpuid`` which instruction sets and caches there are, and choose code and block
sizes by that. In a copy of the virtual environment, made of hard links, a trap stands in its place, which a preloaded
library answers as another processor would. What a processor computes stays as it is here: that estimates of
reciprocals differ between makers shows under QEMU alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
CPUID, TRAP = b"\x0f\xa2", b"\xcc\x90"
_BEFORE = (61, 77, 96)
"""Bytes before a place from which it is disassembled: an instruction is met from each, the middle of one is not."""
_AFTER = 8
_ANSWERS = [line.split(maxsplit=1) for line in (_HERE / "cpuid.txt").read_text(encoding="utf-8").splitlines()]
CPUS = tuple(dict.fromkeys(name for name, _ in _ANSWERS))
"""Features as QEMU has them, AVX-512 where the model has it and caches of a server of its kind."""


@dataclass(frozen=True)
class Disguise:
    """A copy of the virtual environment whose libraries see the processor that they are shown."""

    folder: Path

    @classmethod
    def made(cls, folder: Path) -> Disguise:
        """Copy the environment of this process into ``folder``, on the same disk; takes a minute and 2 GB."""
        shutil.copytree(sys.prefix, folder / "venv", symlinks=True, copy_function=os.link)
        source, library = _HERE / "disguise.c", folder / "disguise.so"
        subprocess.run(["gcc", "-O1", "-shared", "-fPIC", str(source), "-o", str(library)], check=True)
        for path in (folder / "venv").rglob("*.so*"):
            if path.is_file() and not path.is_symlink():
                _trap(path)
        return cls(folder)

    @property
    def python(self) -> Path:
        """The interpreter."""
        return self.folder / "venv" / "bin" / "python"

    def environment(self, cpu: str) -> Mapping[str, str]:
        """What a process needs to see ``cpu``, one of ``CPUS``."""
        answers = self.folder / f"{cpu}.txt"
        answers.write_text("\n".join(row for name, row in _ANSWERS if name == cpu), encoding="utf-8")
        return {"LD_PRELOAD": str(self.folder / "disguise.so"), "CPUID": str(answers)}


def _trap(path: Path) -> None:
    """Replace each ``cpuid`` of a library, in a file of its own."""
    content = bytearray(path.read_bytes())
    places = list(_instructions(path, bytes(content)))
    for place in places:
        content[place : place + len(TRAP)] = TRAP
    if places:
        mode = path.stat().st_mode
        path.unlink()
        path.write_bytes(content)
        path.chmod(mode)


def _instructions(path: Path, content: bytes) -> Iterator[int]:
    """Where the two bytes are an instruction, not part of a longer one."""
    places = [place for start, stop in _code(path) for place in _found(content, start, stop)]
    if places:
        yield from sorted(set.intersection(*(_met(content, places, before) for before in _BEFORE)))


def _code(path: Path) -> Iterator[tuple[int, int]]:
    """Where a library's code begins and ends in its file."""
    if CPUID not in path.read_bytes():
        return
    sections = subprocess.run(["readelf", "-SW", str(path)], capture_output=True, text=True, check=False).stdout
    for _, offset, size in re.findall(r" \.text\S*\s+PROGBITS\s+(\w+)\s+(\w+)\s+(\w+)", sections):
        yield int(offset, 16), int(offset, 16) + int(size, 16)


def _found(content: bytes, start: int, stop: int) -> Iterator[int]:
    place = content.find(CPUID, start, stop)
    while place >= 0:
        yield place
        place = content.find(CPUID, place + 1, stop)


def _met(content: bytes, places: list[int], before: int) -> set[int]:
    """The places that a disassembly meets which begins so many bytes before each."""
    code, at = bytearray(), {}
    for place in places:
        code += content[place - before : place]
        at[len(code)] = place
        code += content[place : place + _AFTER] + b"\x90" * max(_BEFORE)
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).write_bytes(code)
        command = ["objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "--no-show-raw-insn", file.name]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    starts = (int(line, 16) for line in re.findall(r"^\s*([0-9a-f]+):\s+cpuid", listed, re.MULTILINE))
    return {at[start] for start in starts if start in at}
