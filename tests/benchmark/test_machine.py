from __future__ import annotations

from medcnn.benchmark.machine import NOTABLE, described, this_machine

CPUINFO = """processor\t: 0
model name\t: AMD EPYC
flags\t\t: fpu sse4_2 avx2 fma avx512f

processor\t: 1
model name\t: another
"""


def test_the_first_processor_is_described() -> None:
    assert described(CPUINFO) == {
        "processor": "0",
        "model name": "AMD EPYC",
        "flags": "fpu sse4_2 avx2 fma avx512f",
    }


def test_a_system_that_does_not_tell_gives_no_facts() -> None:
    assert described("") == {}


def test_this_machine_has_a_name_and_cores() -> None:
    machine = this_machine()
    assert machine.cpu
    assert machine.cores >= 1
    assert set(machine.instruction_sets) <= set(NOTABLE)
