"""A study as published: the settings that make a run of exactly its models, and both of its splits in turn."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from medcnn.core.choices import offer
from medcnn.core.errors import MedcnnError, ParamsError
from medcnn.params import changes, whole
from medcnn.params.whole import Params
from medcnn.published import studies
from medcnn.runtime import paths
from medcnn.runtime.children import Children
from medcnn.runtime.params_kept import params_kept
from medcnn.runtime.studying import alone


def assignments(study: str, settings: Params, best_here: bool = False) -> tuple[str, ...]:
    """What to set in ``params.yaml`` so that a run covers the models that a study published, ``key=value`` each.

    Args:
        study: its name.
        settings: ``params.yaml``.
        best_here: cover the model that is best here instead.

    Raises:
        ParamsError: no such study was published.
    """
    settings.study(study)
    published = studies.load()
    if study not in published:
        raise ParamsError(f"{study}: no models of it were published; {offer(study, published)}")
    models = (published[study].best_here,) if best_here else published[study].networks
    covered = changes.covering(study, models, settings.models)
    # What a study published needs neither, and a run is refused that has them of models which it does not train.
    without: dict[str, list[str]] = {"run.cascades.first": [], "run.stress": [], "run.learning_curve": []}
    return changes.assignments({**covered, **without})


def flags(wanted: Sequence[str]) -> list[str]:
    """The changes as flags of ``dvc exp run``; of two changes of one key, the later counts."""
    return [word for change in wanted for word in ("-S", change)]


def run_both(study: str, extra: Sequence[str]) -> None:
    """Run a study's best model here, its published ones on the split as published, and those on its honest split.

    The table and the page follow each.

    ``params.yaml`` is as it was found when this returns, fails or is interrupted, or at the latest at its next call.

    Args:
        study: its name.
        extra: further changes ``key=value``, which win over those of the study.

    Raises:
        MedcnnError: the study has no honest split, a command failed, or another study is running.
    """
    key = f"studies.{study}.split.on_leak"
    with alone() as children:
        settings = whole.load()
        honest = _honest(study, settings)
        for on_leak, best_here in ((honest, True), ("keep", False), (honest, False)):
            covered = assignments(study, settings, best_here)
            # What is best here stays one model, whatever else is to be run.
            wanted = (*extra, *covered) if best_here else (*covered, *extra)
            wanted = (*wanted, f"{key}={on_leak}")
            with params_kept([changes.key(change) for change in wanted]):
                print(f"{study}: {key}={on_leak}", flush=True)
                _call(children, "dvc", "exp", "run", *flags(wanted))
                _call(children, "stages.published")
                _call(children, "stages.report")


def _honest(study: str, settings: Params) -> str:
    on_leak = settings.study(study).split.on_leak
    if on_leak == "keep":
        raise ParamsError(
            f"{paths.PARAMS}: studies.{study}.split.on_leak: 'keep' is the split as published; set drop_from_train "
            "or regroup, to have an honest one beside it"
        )
    return on_leak


def _call(children: Children, module: str, *arguments: str) -> None:
    if code := children.call([sys.executable, "-m", module, *arguments]):
        shown = " ".join((module, *arguments[:2]))
        raise MedcnnError(f"`{shown}` ended with {code}, for the reason above; {paths.PARAMS} is as it was")
