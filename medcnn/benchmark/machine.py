"""What explains timings about the machine that they were taken on."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
NOTABLE = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni",
    "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "asimd", "asimddp", "asimdhp", "bf16", "i8mm",
    "sve", "sve2",
)  # fmt: skip
"""Instruction sets that the engines have code for, by the names that Linux gives them."""


@dataclass(frozen=True)
class Machine:
    """A machine.

    Attributes:
        cpu: The processor's model name.
        cores: Logical cores that this process may use.
        instruction_sets: Those of the processor that are in ``NOTABLE``; empty where the system does not say.
        architecture: Such as x86_64.
        system: Such as Linux.
    """

    cpu: str
    cores: int
    instruction_sets: tuple[str, ...]
    architecture: str
    system: str


def this_machine() -> Machine:
    """The machine that this process runs on."""
    facts = described(CPUINFO.read_text(encoding="utf-8") if CPUINFO.exists() else "")
    # x86 says "flags", ARM "Features".
    known = set((facts.get("flags") or facts.get("Features") or "").split())
    return Machine(
        cpu=facts.get("model name") or platform.processor() or platform.machine(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        instruction_sets=tuple(name for name in NOTABLE if name in known),
        architecture=platform.machine(),
        system=platform.system(),
    )


def described(cpuinfo: str) -> dict[str, str]:
    """The facts of the first processor in the text of ``/proc/cpuinfo``."""
    lines = cpuinfo.split("\n\n")[0].splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
