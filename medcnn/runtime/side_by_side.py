"""Independent stages side by side: several ``dvc repro``, each of one item, as DVC allows it.

``dvc queue start --jobs N`` does not do: it runs N experiments at a time, each in a copy of the project, and in each of
them one stage after the other. Here it is one pipeline, whose trainings do not depend on each other.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from queue import SimpleQueue

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.runtime import locking, paths
from medcnn.runtime.bar import bar
from medcnn.runtime.children import Children, guarded
from medcnn.runtime.pipeline import Pipeline, Plan, Schedule, entries, reordered
from medcnn.runtime.showing import ADVICE, REPRO, Shown

_STATE = "side_by_side"
TIMED = "benchmark"
"""What the names of the stages that measure times begin with; they run beside no other."""
_LOCKED_OUT = ("Unable to acquire lock", "it is being blocked by")
"""What DVC 3 prints, before it fails, where another process holds its lock or reads or writes the same files."""
_PAUSE_SECONDS = 2.0


def run(jobs: int, targets: Sequence[str], *, share_cpus: bool) -> None:
    """Reproduce items with several at a time; ``dvc.lock`` ends as one ``dvc repro`` leaves it.

    Args:
        jobs: how many items at a time.
        targets: stages or items, with all that they depend on.
        share_cpus: give each of them its share of this machine's CPUs, rather than all of them.

    Raises:
        ParamsError: there is no such stage or item.
        MedcnnError: an item failed. Its neighbours ran to their end, and nothing was started after it.
    """
    with alone() as lock, guarded(lock) as children:
        pipeline = Pipeline()
        pipeline.check(targets)
        plan = pipeline.plan(targets)
        with bar(len(plan.order)) as where:
            shown = Shown(plan.order, where, begun=children.warm.start)
            make(pipeline, Lanes(children, jobs, share_cpus=share_cpus), plan, shown)
            code = shown.repro(children, targets)
        if code:
            sys.exit(code)


def alone() -> AbstractContextManager[int]:
    """While no other process runs stages side by side in this project."""
    return locking.held(paths.state(_STATE) / "lock", "runs stages side by side")


def make(pipeline: Pipeline, lanes: Lanes, plan: Plan, shown: Shown) -> None:
    """Run those items of a plan that changed, and nothing where there is but one lane: ``dvc repro`` follows.

    That is the last step of every run. No result depends on the lanes.

    Args:
        pipeline: what they are items of; none of them ran since it was asked first.
        lanes: where items run.
        plan: what is run.
        shown: what is told of the items.

    Raises:
        MedcnnError: an item failed.
    """
    if lanes.count == 1:
        return
    schedule = Schedule(pipeline, plan, is_timed)
    with _keep_order(pipeline, plan.order):
        failed = _work(schedule, lanes, shown)
    if failed:
        raise MedcnnError(f"{', '.join(failed)} failed, for the reason above; what ended before is kept")


def is_timed(name: str) -> bool:
    """Whether an item measures times."""
    return name.startswith(TIMED)


@contextmanager
def _keep_order(pipeline: Pipeline, order: Sequence[str]) -> Iterator[None]:
    """Leave new entries of ``dvc.lock`` in the order of a serial run; which are new, a run that was killed has kept."""
    record = paths.state(_STATE) / "entries.json"
    if not record.exists():
        files.write_json(record, entries(paths.LOCK.read_text(encoding="utf-8")) if paths.LOCK.exists() else [])
    try:
        yield
    finally:
        with pipeline.locked():
            if paths.LOCK.exists():
                before = paths.LOCK.read_text(encoding="utf-8")
                known = files.read_json(record)
                after = reordered(before, [*known, *(name for name in order if name not in known)])
                if after != before:
                    files.write_text(paths.LOCK, after)
            record.unlink()


def _work(schedule: Schedule, lanes: Lanes, shown: Shown) -> list[str]:
    """Run what the schedule holds until it is done or an item has failed; the names of those that failed."""
    failed: list[str] = []
    running: dict[Future[int], str] = {}
    with ThreadPoolExecutor(lanes.count) as pool, lanes.stop_all_on_error():
        while True:
            begun = [] if failed else schedule.next(lanes.count - len(running))
            # Nothing can begin beside it before it has ended.
            alone = not running and len(begun) == 1
            for name in begun:
                shown.begin(name)
                running[pool.submit(lanes.reproduce, name, alone=alone)] = name
            if not running:
                return failed
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(future)
                shown.end(name)
                if future.result():
                    failed.append(name)
                schedule.done(name)


class Lanes:
    """Where items run: each lane has its share of the CPUs, while an item's number of threads stays as it is pinned."""

    def __init__(self, children: Children, count: int, *, share_cpus: bool) -> None:
        self.count = count
        self.children = children
        self._cpus = os.sched_getaffinity(0)
        self._shares: SimpleQueue[set[int]] = SimpleQueue()
        for lane in range(count):
            self._shares.put(_share(sorted(self._cpus), lane, count) if share_cpus else self._cpus)

    @contextmanager
    def stop_all_on_error(self) -> Iterator[None]:
        """Stop all items before an exception goes on: they record nothing afterwards."""
        try:
            yield
        except BaseException:
            self.children.stop()
            raise

    def reproduce(self, name: str, *, alone: bool) -> int:
        """Run one item, whose inputs are made, ``alone`` on all CPUs; the exit code of DVC. Lines are passed on."""
        share = self._shares.get()
        try:
            self._say(name, "starts")
            code, locked_out = self._attempt(name, self._cpus if alone else share)
            while code and locked_out:
                self._say(name, "waits for another run of DVC")
                time.sleep(_PAUSE_SECONDS)
                code, locked_out = self._attempt(name, self._cpus if alone else share)
            self._say(name, f"failed with exit code {code}" if code else "done")
            return code
        finally:
            self._shares.put(share)

    def _attempt(self, name: str, cpus: set[int]) -> tuple[int, bool]:
        command = [*REPRO, "--single-item", name]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
        locked_out = False
        with self.children.started(command, env=environment, **streams) as child:
            os.sched_setaffinity(child.pid, cpus)
            for line in child.stdout or ():
                locked_out = locked_out or any(sign in line for sign in _LOCKED_OUT)
                self._say(name, line)
            return child.wait(), locked_out

    def _say(self, name: str, line: str) -> None:
        if line.strip() and not line.startswith(ADVICE) and not self.children.stopped:
            sys.stdout.write(f"{name}: {line.rstrip()}\n")
            sys.stdout.flush()


def _share(cpus: Sequence[int], lane: int, lanes: int) -> set[int]:
    """The CPUs of a lane; where there are more lanes than CPUs, several lanes share one."""
    return set(cpus[lane % len(cpus) :: lanes])
