"""A study as published: the settings that make a run of exactly its models, and both of its splits in turn."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from medcnn.core.errors import MedcnnError, ParamsError
from medcnn.params import whole
from medcnn.params.shared.run import links
from medcnn.params.whole import Params
from medcnn.published import studies
from medcnn.published.workspace import params_kept, put_back
from medcnn.runtime import locking, paths
from medcnn.runtime.children import Children, guarded


def assignments(study: str, settings: Params) -> tuple[str, ...]:
    """What to set in ``params.yaml`` so that a run covers the models that a study published, ``key=value`` each.

    Raises:
        ParamsError: no such study was published.
    """
    settings.study(study)
    published = studies.load()
    if study not in published:
        raise ParamsError(f"{study}: no models of it were published; choose from {', '.join(published)}")
    pairs = [links(name, settings.models) for name in published[study].networks]
    chains = [(first, second) for first, second in pairs if first]
    listed = {
        "studies": [study],
        "models": [name for first, name in pairs if not first],
        "chains.first": list(dict.fromkeys(first for first, _ in chains)),
    }
    if chains:
        listed["chains.second"] = list(dict.fromkeys(second for _, second in chains))
    listed["cascades.first"] = []
    return tuple(f"run.{key}=[{','.join(names)}]" for key, names in listed.items())


def flags(changes: Sequence[str]) -> list[str]:
    """The changes as flags of ``dvc exp run``; of two changes of one key, the later counts."""
    return [word for change in changes for word in ("-S", change)]


def _key(change: str) -> str:
    """The key path of a change; Hydra's ``+key=value`` adds one and ``~key`` takes one away."""
    return change.partition("=")[0].lstrip("+~")


def run_both(study: str, extra: Sequence[str]) -> None:
    """Run a study on the split as published, then on its honest split, with the table and the page after each.

    ``params.yaml`` is as it was found when this returns, fails or is interrupted, or at the latest at its next call.

    Args:
        study: its name.
        extra: further changes ``key=value``, which win over those of the study.

    Raises:
        MedcnnError: the study has no honest split, a command failed, or another study is running.
    """
    key = f"studies.{study}.split.on_leak"
    alone = locking.held(paths.state("study") / "lock", "runs a study in this project", wait=False)
    with alone as lock, guarded(lock) as children:
        if put_back():
            print(f"{paths.PARAMS} put back as it was before a study that was killed", file=sys.stderr)
        settings = whole.load()
        for on_leak in ("keep", _honest(study, settings)):
            changes = (*assignments(study, settings), *extra, f"{key}={on_leak}")
            with params_kept([_key(change) for change in changes]):
                print(f"{study}: {key}={on_leak}", flush=True)
                _call(children, "dvc", "exp", "run", *flags(changes))
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
