"""One study from its images to the answer.

By ``dvc repro``, with what the run covers set in ``params.yaml`` until it ends, and not by ``dvc exp run -S``: that one
needs a commit and an identity for Git, and takes what else lies uncommitted into commits of its own, while ``repro``
runs as the files lie, which is what somebody has who just wrote a study. ``-S`` means the same in both: DVC's own
function applies it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from dvc.exceptions import InvalidArgumentError
from dvc.utils.hydra import apply_overrides

from medcnn.core.errors import ParamsError
from medcnn.params import changes, whole
from medcnn.params.shared import loading
from medcnn.running import fingerprint, leaking, reproducing, selecting
from medcnn.running.presets import PRESETS
from medcnn.runtime import live, paths, side_by_side
from medcnn.runtime.children import Children
from medcnn.runtime.params_kept import params_kept
from medcnn.runtime.pipeline import Pipeline, one_line_reasons
from medcnn.runtime.side_by_side import Lanes
from medcnn.runtime.studying import alone


@dataclass(frozen=True)
class Asked:
    """What a run of a study is to cover.

    Attributes:
        models: what to train; the models of ``run`` where empty.
        preset: what to train instead, a name of ``PRESETS``.
        learning_curve: whether to say what twice the training patients would bring, too.
        changes: further ones ``key=value``, which win.
    """

    models: Sequence[str] = ()
    preset: str | None = None
    learning_curve: bool = False
    changes: Sequence[str] = ()


def run(study: str, asked: Asked, *, jobs: int, curves: bool, dry: bool) -> None:
    """Run a study; ends with the exit code of ``dvc repro`` where that fails.

    ``params.yaml`` is as it was found when this returns, fails or is interrupted, or at the latest at its next call.

    Args:
        study: its name.
        asked: what it is to cover.
        jobs: how many items at a time; benchmarks run one by one.
        curves: hand those of each training to DVCLive while it runs, too.
        dry: print what would run.

    Raises:
        ParamsError: there is no such study or model, or a change that cannot be made.
        MedcnnError: this is no DVC project, DVCLive is missing, or another study is running.
    """
    with alone() as children:
        if curves:
            live.ask()
        settings = whole.load()
        wanted = _wanted(children, study, asked, settings, dry=dry)
        with _covering(wanted) as pipeline:
            _announce(wanted)
            if dry:
                print(*pipeline.plan([]).order, sep="\n")
                return
            with side_by_side.alone():
                lanes = Lanes(children, jobs, share_cpus=settings.compute.backend == "local")
                reproducing.reproduced(pipeline, lanes, answer_first=True)


def leak(study: str, models: Sequence[str]) -> None:
    """Train models of a study on a plain random split beside its own, and print what that would have claimed.

    Args:
        study: its name.
        models: of ``params.yaml``; those of ``run.careless`` where empty.

    Raises:
        ParamsError: see ``selecting.contrasted``.
        MedcnnError: this is no DVC project, or another study is running.
    """
    with alone() as children:
        covered = selecting.contrasted(study, models, whole.load())
        names = [str(model) for model in covered["run.models"]]
        wanted = changes.assignments(covered)
        with _covering(wanted) as pipeline:
            _announce(wanted)
            items = [f"careless@{study}-{name}" for name in names]
            reproducing.items(children, pipeline, items)
            print(*leaking.lines(study, names), sep="\n", flush=True)


def report(study: str | None) -> None:
    """Draw the page again from the results here.

    Args:
        study: its name; the studies of ``run`` where None.

    Raises:
        ParamsError: there is no such study.
        MedcnnError: it has no results here, this is no DVC project, or another study is running.
    """
    with alone() as children:
        if study is None:
            reproducing.drawn(children)
            return
        wanted = changes.assignments(selecting.measured(study, whole.load()))
        with params_kept([changes.key(change) for change in wanted]):
            _apply(wanted)
            reproducing.drawn(children)


def _wanted(children: Children, study: str, asked: Asked, settings: whole.Params, *, dry: bool) -> tuple[str, ...]:
    """What a run changes in ``params.yaml``; a preset looks at the images for some of it, unless nothing is to run."""
    covered = selecting.covered(study, asked.models, asked.preset, settings)
    if asked.preset:
        if not dry:
            with _covering((*changes.assignments(covered), *asked.changes)) as pipeline:
                reproducing.items(children, pipeline, [f"split@{study}"])
        covered = {**covered, **_by_the_images(study, asked.preset, settings)}
    if asked.learning_curve:
        covered = selecting.with_learning_curve(covered, settings)
    return (*changes.assignments(covered), *asked.changes)


@contextmanager
def _covering(wanted: Sequence[str]) -> Iterator[Pipeline]:
    """While ``params.yaml`` has these changes; the pipeline that DVC makes of them."""
    with params_kept([changes.key(change) for change in wanted]):
        yield _changed(wanted)


def _announce(wanted: Sequence[str]) -> None:
    print("dvc repro, with params.yaml as by these flags of `dvc exp run`, until it ends:", flush=True)
    print(*(f"  -S '{change}'" for change in wanted), sep="\n", flush=True)


def _by_the_images(study: str, preset: str, settings: whole.Params) -> dict[str, int | str]:
    """What a preset sets by the images, with its reasons printed."""
    used = {name: settings.models[name] for name in PRESETS[preset].models}
    seen = fingerprint.seen(study, multi_label=settings.study(study).labels.multi_label)
    keys, reasons = fingerprint.fitted(study, used, seen)
    print(*(f"preset {preset}: {reason}" for reason in reasons), sep="\n", flush=True)
    return keys


def _apply(wanted: Sequence[str]) -> None:
    try:
        apply_overrides(paths.PARAMS, list(wanted))
    except InvalidArgumentError as error:
        tree = loading.read(paths.PARAMS)
        wrong = next(filter(None, (changes.missing(changes.key(change), tree) for change in wanted)), None)
        raise ParamsError(f"-S: {wrong or ' '.join(str(error.__cause__ or error).split())}") from error
    whole.load()


def _changed(wanted: Sequence[str]) -> Pipeline:
    with one_line_reasons():
        _apply(wanted)
        pipeline = Pipeline()
        # DVC reads its files as late as here.
        pipeline.plan([])
        return pipeline
