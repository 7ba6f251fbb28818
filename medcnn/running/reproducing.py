"""The whole of a run: every result and the page first, then the benchmarks, and the page again with their timings.

Benchmarks take most of the time and change no result. ``dvc repro`` alone does all of it in one order of its own, and
is the last step here too, so that ``dvc.lock`` ends the same.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from medcnn.core import files
from medcnn.params.shared.loading import load
from medcnn.report import gathering
from medcnn.report.reproduction import reproduction
from medcnn.report.settings import Settings
from medcnn.running import ending
from medcnn.runtime import paths, side_by_side
from medcnn.runtime.bar import bar
from medcnn.runtime.children import Children, guarded
from medcnn.runtime.pipeline import Pipeline, Plan
from medcnn.runtime.showing import Shown
from medcnn.runtime.side_by_side import TIMED, Lanes, is_timed

_DRAW = (sys.executable, "-m", "stages.report")
_DRAWN_FROM = ("metrics", "plots", "medcnn/report")
_FOLLOWING = ("export", "explain", TIMED)
"""What the names of the stages begin with that change no figure of a model."""


def everything(jobs: int, *, share_cpus: bool) -> None:
    """Run the pipeline as ``params.yaml`` says, several items at a time, and end with the answer.

    Args:
        jobs: how many items at a time; benchmarks run one by one.
        share_cpus: give each of them its share of this machine's CPUs, rather than all of them.
    """
    with side_by_side.alone() as lock, guarded(lock) as children:
        reproduced(Pipeline(), Lanes(children, jobs, share_cpus=share_cpus))


def reproduced(pipeline: Pipeline, lanes: Lanes, *, answer_first: bool = False) -> None:
    """Run the pipeline; ends with the exit code of ``dvc repro`` where that fails.

    Args:
        pipeline: what is run.
        lanes: where.
        answer_first: draw the page of a study's first run before models are exported and explained too.
    """
    plan = pipeline.plan([])
    with _shown(lanes.children, plan) as shown:
        if answer_first and not _exported():
            _answer(pipeline, lanes, plan, shown)
            # What has run by now, only another one knows.
            pipeline = Pipeline()
        _results_first(pipeline, lanes, plan, shown)
    print(*_ending(), sep="\n", flush=True)


def items(children: Children, pipeline: Pipeline, names: Sequence[str]) -> None:
    """Run some items with all that they depend on; ends with the exit code of ``dvc repro`` where that fails."""
    plan = pipeline.plan(names)
    with _shown(children, plan) as shown:
        _or_exit(shown.repro(children, names), shown)


def drawn(children: Children) -> None:
    """Draw the page, and say where it is; ends with the exit code of the stage where that fails."""
    if code := children.call(_DRAW):
        sys.exit(code)
    print(f"Page  {paths.REPORT.resolve().as_uri()}")


@contextmanager
def _shown(children: Children, plan: Plan) -> Iterator[Shown]:
    """What shows the items of a plan, with the time that each took before; that of this run is kept."""
    record = paths.state("durations") / "items.json"
    seconds = files.read_json(record) if record.exists() else {}
    with bar(len(plan.order)) as where:
        shown = Shown(plan.order, where, seconds=seconds, begun=children.warm.start)
        try:
            yield shown
        finally:
            files.write_json(record, shown.seconds)


def _answer(pipeline: Pipeline, lanes: Lanes, plan: Plan, shown: Shown) -> None:
    """All that the answer needs, and the page with it: what follows takes most of the time, and changes no figure."""
    _make(pipeline, lanes, plan.without(_FOLLOWING), shown)
    _draw(lanes.children, shown)
    for line in (*_ending(), "Exported files, maps of where models look, and benchmarks follow."):
        shown.bar.line(line)


def _results_first(pipeline: Pipeline, lanes: Lanes, plan: Plan, shown: Shown) -> None:
    results = plan.without((TIMED,))
    _make(pipeline, lanes, results, shown)
    if pipeline.changed([name for name in plan.order if is_timed(name)]):
        _draw(lanes.children, shown)
        for line in (*_ending(), "The benchmarks follow; the results above stay as they are."):
            shown.bar.line(line)
    side_by_side.make(pipeline, lanes, plan.part(set(plan.order) - set(results.order)), shown)
    _or_exit(shown.repro(lanes.children, []), shown)
    if _outdated():
        _draw(lanes.children, shown)


def _make(pipeline: Pipeline, lanes: Lanes, plan: Plan, shown: Shown) -> None:
    """Run items, in lanes or, where there is but one, as DVC does."""
    if lanes.count > 1:
        side_by_side.make(pipeline, lanes, plan, shown)
    elif plan.order:
        _or_exit(shown.repro(lanes.children, plan.ends()), shown)


def _exported() -> bool:
    """Whether there are exported models of the run, perhaps of an earlier one, which the page would show."""
    folders = (paths.metrics_folder("export", study) for study in load(Settings).run.studies)
    return any(any(folder.glob("*.json")) for folder in folders)


def _ending() -> Iterator[str]:
    settings = load(Settings)
    studies = [gathering.gathered(study, settings) for study in settings.run.studies]
    return ending.lines(studies, settings.models, reproduction(settings.run.studies))


def _draw(children: Children, shown: Shown) -> None:
    _or_exit(shown.called(children, _DRAW), shown)


def _or_exit(code: int, shown: Shown) -> None:
    if code:
        ended = len(shown.ran)
        counted = f"{ended} stage" if ended == 1 else f"{ended} stages"
        print(f"stopped after {counted}, for the reason above; what ended before is kept", file=sys.stderr)
        sys.exit(code)


def _outdated() -> bool:
    """Whether the page is older than what it shows, or missing, as in a checkout: it is no output of DVC."""
    if not paths.REPORT.exists():
        return True
    drawn = paths.REPORT.stat().st_mtime
    return any(path.stat().st_mtime > drawn for path in _files(_DRAWN_FROM))


def _files(folders: Sequence[str]) -> Iterator[Path]:
    own = (paths.REPORT.parent, paths.DEMO)
    found = (path for folder in folders for path in Path(folder).rglob("*") if path.is_file())
    return (path for path in found if "__pycache__" not in path.parts and not any(o in path.parents for o in own))
