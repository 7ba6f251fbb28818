from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import partial

import pytest

from medcnn.core.errors import MedcnnError, ParamsError
from medcnn.runtime import fanout


@dataclass(frozen=True)
class Placement:
    cpus_per_task: int = 1
    backend: str = "local"
    address: str = "auto"


ALONE = Placement(cpus_per_task=len(os.sched_getaffinity(0)))
SIDE_BY_SIDE = Placement()
several = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one CPU")


def raised(base: int, power: int) -> int:
    return base**power


def process(_: int) -> tuple[int, str | None]:
    return os.getpid(), os.environ.get("OMP_NUM_THREADS")


def refused(task: int) -> int:
    raise MedcnnError(f"task {task} is refused")


@pytest.mark.parametrize("placement", [ALONE, pytest.param(SIDE_BY_SIDE, marks=several)])
def test_results_come_in_the_order_of_the_tasks(placement: Placement) -> None:
    assert list(fanout.each(partial(raised, 2), range(20), placement)) == [2**power for power in range(20)]
    assert list(fanout.each(partial(raised, 2), [], placement)) == []


@pytest.mark.parametrize("placement", [ALONE, pytest.param(SIDE_BY_SIDE, marks=several)])
def test_an_error_is_raised_as_it_is(placement: Placement) -> None:
    with pytest.raises(MedcnnError, match=r"^task \d is refused$"):
        list(fanout.each(refused, [1, 2], placement))


def test_one_slot_and_one_task_stay_in_this_process() -> None:
    assert {found[0] for found in fanout.each(process, [1, 2], ALONE)} == {os.getpid()}
    assert {found[0] for found in fanout.each(process, [1], SIDE_BY_SIDE)} == {os.getpid()}


@several
def test_other_processes_have_the_pinned_threads() -> None:
    found = list(fanout.each(process, [1, 2], SIDE_BY_SIDE))
    assert os.getpid() not in {number for number, _ in found}
    assert {threads for _, threads in found} == {"1"}


def test_one_slot_is_lazy() -> None:
    done: list[int] = []
    results = fanout.each(done.append, [1, 2], ALONE)
    next(results)
    assert done == [1]


def test_ray_that_is_not_installed_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ParamsError, match=r"compute\.backend: ray is not installed; run `pip install") as caught:
        list(fanout.each(len, ["a"], Placement(backend="ray")))
    assert "\n" not in str(caught.value)


def test_ray_is_imported_for_its_backend_alone() -> None:
    script = (
        "import sys; from medcnn.runtime import fanout; from medcnn.train import launch; "
        "from medcnn.params.whole import Compute; "
        "list(fanout.each(len, ['a'], Compute())); print({'ray', 'tensorflow', 'keras'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
