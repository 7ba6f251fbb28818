"""What DVC would run, in which order, and after what: read from DVC itself.

Nothing that DVC documents says so: ``plan_repro`` and the graph are internals of DVC 3, to which ``pyproject.toml``
keeps. ``dvc.lock`` is put in order as text, so that the bytes of its entries stay those that DVC wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from dvc.dvcfile import PROJECT_FILE
from dvc.exceptions import DvcException, NotDvcRepoError
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro
from dvc.scm import SCMError
from dvc.stage import Stage

from medcnn.core.choices import offer
from medcnn.core.errors import MedcnnError, ParamsError

_ENTRY = re.compile(r"^  (?=\S)", re.MULTILINE)


@contextmanager
def one_line_reasons() -> Iterator[None]:
    """Turn what DVC cannot read into one line.

    Raises:
        MedcnnError: the folder is no project, its pipeline is not valid, or another run of DVC is at work on its files.
    """
    try:
        yield
    except (NotDvcRepoError, SCMError) as error:
        raise MedcnnError(
            "this folder is no DVC project in a Git repository: run this in a clone of the project, or type "
            "`git init && dvc init --force` here"
        ) from error
    except LockError as error:
        raise MedcnnError(f"another run of DVC is at work here: {' '.join(str(error).split())}") from error
    except DvcException as error:
        raise MedcnnError(f"DVC cannot read the pipeline: {' '.join(str(error).split())}") from error


@dataclass(frozen=True)
class Plan:
    """The items of a run.

    Attributes:
        order: their names, such as ``train@phantom-deep``, as ``dvc repro`` takes them.
        needs: the items whose outs each of them reads.
    """

    order: tuple[str, ...]
    needs: Mapping[str, frozenset[str]]

    def dependents(self, changed: Collection[str]) -> list[str]:
        """The changed items and all that depend on them, in order."""
        found: set[str] = set()
        for name in self.order:
            if name in changed or self.needs[name] & found:
                found.add(name)
        return [name for name in self.order if name in found]

    def part(self, names: Collection[str]) -> Plan:
        """The plan of some of the items, once those that they need beside each other are made."""
        order = tuple(name for name in self.order if name in names)
        return Plan(order, {name: self.needs[name].intersection(names) for name in order})

    def without(self, stages: tuple[str, ...]) -> Plan:
        """The plan without every item whose name begins with one of these, and without what depends on them."""
        last = self.dependents([name for name in self.order if name.startswith(stages)])
        return self.part(set(self.order) - set(last))

    def ends(self) -> list[str]:
        """The items that no other needs: these, with all that they depend on, are all."""
        needed = frozenset[str]().union(*self.needs.values())
        return [name for name in self.order if name not in needed]


class Pipeline:
    """The pipeline of the working folder, as its files lay when it was asked first: make another to look again.

    Whoever else holds DVC's lock is waited for. What DVC cannot do is a ``MedcnnError``, see ``one_line_reasons``.
    """

    @one_line_reasons()
    def __init__(self) -> None:
        self._repo = Repo()

    @one_line_reasons()
    def plan(self, targets: Sequence[str]) -> Plan:
        """What ``dvc repro`` with these targets looks at."""
        with self.locked():
            graph = get_active_graph(self._repo.index.graph)
            stages = plan_repro(graph, self._named(targets) or collect_stages(self._repo, targets))
            needs = {stage.addressing: frozenset(needed.addressing for needed in graph[stage]) for stage in stages}
        return Plan(tuple(stage.addressing for stage in stages), needs)

    @one_line_reasons()
    def changed(self, names: Collection[str]) -> set[str]:
        """Those of the items that DVC would run as their inputs and outs lie now, if they did not run meanwhile."""
        with self.locked():
            # Of the stages that are read already: `status(targets)` reads all of dvc.lock for each target.
            asked = [stage for stage in self._repo.index.stages if stage.addressing in names]
            return {stage.addressing for stage in asked if stage.status(check_updates=True)}

    @one_line_reasons()
    def check(self, targets: Sequence[str]) -> None:
        """Refuse a stage that there is not; files and other pipelines are left to DVC.

        Raises:
            ParamsError: there is none of that name.
        """
        with self.locked():
            items = [str(stage.addressing) for stage in self._repo.index.stages]
        stages = dict.fromkeys(item.partition("@")[0] for item in items)
        for target in targets:
            stage = target.partition("@")[0]
            near = [item for item in items if item.startswith(f"{stage}@")] if stage in stages else list(stages)
            if target not in (*items, *stages) and not {"/", ":", "."} & set(target):
                raise ParamsError(f"no stage '{target}' in dvc.yaml; {offer(target, near)}")

    def _named(self, targets: Sequence[str]) -> list[Stage]:
        """All stages where there is no target; none where one is neither a stage nor an item.

        Others DVC finds, which reads all of its files for each target.
        """
        named: dict[str, list[Stage]] = {}
        for item in (stage for stage in self._repo.index.stages if stage.path_in_repo == PROJECT_FILE):
            for name in {item.addressing, item.addressing.partition("@")[0], PROJECT_FILE}:
                named.setdefault(name, []).append(item)
        wanted = targets or [PROJECT_FILE]
        return [stage for target in wanted for stage in named[target]] if named.keys() >= set(wanted) else []

    @contextmanager
    def locked(self) -> Iterator[None]:
        """While no other DVC process reads or writes the pipeline's files."""
        with ExitStack() as stack:
            waiting = True
            while waiting:
                # DVC gives up after three seconds.
                with suppress(LockError):
                    # Not `lock_repo`, which has all of the files read again.
                    stack.enter_context(self._repo.lock)
                    waiting = False
            yield


class Schedule:
    """Which items are to be run, and which of them can be now.

    An item with an input that was made anew is looked at again then: its bytes may be those that it was made from.
    """

    def __init__(self, pipeline: Pipeline, plan: Plan, alone: Callable[[str], bool]) -> None:
        """Look at every item of a plan; those for which ``alone`` holds are to run beside no other."""
        self.plan = plan
        self._pipeline = pipeline
        self._alone = alone
        self._changed = pipeline.changed(plan.order)
        self._waiting = plan.dependents(self._changed)
        self._running: set[str] = set()
        followers = {name: len(plan.dependents({name})) for name in self._waiting}
        # The more depends on an item, the sooner it is taken; among equals, the order of a serial run.
        self._waiting.sort(key=lambda name: -followers[name])

    def next(self, count: int) -> list[str]:
        """Up to ``count`` items to start now."""
        if any(map(self._alone, self._running)):
            return []
        ready = self._ready()
        chosen = [name for name in ready if not self._alone(name)][:count]
        if not chosen and not self._running:
            chosen = ready[:1]
        for name in chosen:
            self._waiting.remove(name)
            self._running.add(name)
        return chosen

    def done(self, name: str) -> None:
        """Note that an item has ended."""
        self._running.remove(name)

    def _ready(self) -> list[str]:
        """The waiting items with every input made; those that need not run after all are let go."""
        while True:
            unmade = self._running.union(self._waiting)
            ready = [name for name in self._waiting if not self.plan.needs[name] & unmade]
            doubtful = {name for name in ready if name not in self._changed}
            if not doubtful:
                return ready
            changed = self._pipeline.changed(doubtful)
            self._changed |= changed
            self._waiting = [name for name in self._waiting if name not in doubtful - changed]


def entries(lock: str) -> list[str]:
    """The names of the items in the text of a ``dvc.lock``."""
    return [_name(block) for block in _ENTRY.split(lock)[1:]]


def reordered(lock: str, names: Sequence[str]) -> str:
    """The text of a ``dvc.lock`` with its items in the order of ``names``, and others behind them as they were."""
    head, *blocks = _ENTRY.split(lock)
    place = {name: index for index, name in enumerate(names)}
    blocks.sort(key=lambda block: place.get(_name(block), len(place)))
    return "  ".join((head, *blocks))


def _name(block: str) -> str:
    return block.partition(":\n")[0].strip("'\"")
