"""Changes of ``params.yaml`` for one run, ``key=value`` each, as ``dvc exp run -S`` takes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from medcnn.core.choices import offer
from medcnn.params.shared.run import distilled, fold_ensemble, links

Lists = dict[str, Sequence[str | int]]
"""Values of list keys, by key path."""
Values = Mapping[str, Sequence[str | float] | str | float]
"""Values of lists, names and numbers, by key path."""


def covering(study: str, names: Iterable[str], models: Collection[str]) -> Lists:
    """The keys that make a run cover one study and exactly some models, chains and fold ensembles among them.

    A fold ensemble brings the model that it is of, and what is distilled from one brings both.

    Args:
        study: its name.
        names: of the models, chains, fold ensembles and what is distilled from these.
        models: those of ``params.yaml``.

    Raises:
        ParamsError: a name is none of them.
    """
    pairs = {name: links(name, models) for name in names}
    chains = [(first, second) for first, second in pairs.values() if first]
    single = list(dict.fromkeys(model for first, model in pairs.values() if not first))
    taught = [model for name, (_, model) in pairs.items() if name == distilled(model)]
    by_folds = [model for name, (_, model) in pairs.items() if name == fold_ensemble(model)]
    firsts = list(dict.fromkeys(first for first, _ in chains))
    changes: Lists = {
        "run.studies": [study],
        "run.models": single,
        "run.chains.first": firsts,
        "run.fold_ensembles": list(dict.fromkeys([*by_folds, *taught])),
        "run.distil": taught,
    }
    if chains:
        changes["run.chains.second"] = list(dict.fromkeys(second for _, second in chains))
    return changes


def assignments(changes: Values) -> tuple[str, ...]:
    """The changes as ``key=[value,value]`` or ``key=value``."""
    return tuple(f"{key}={_written(value)}" for key, value in changes.items())


def _written(value: Sequence[str | float] | str | float) -> str:
    return str(value) if isinstance(value, str | int | float) else f"[{','.join(map(str, value))}]"


def key(change: str) -> str:
    """The key path of a change; Hydra's ``+key=value`` adds one and ``~key`` takes one away."""
    return change.partition("=")[0].lstrip("+~")


def missing(path: str, tree: Any) -> str | None:
    """Where a key path leaves a tree of blocks, and what is there instead; None where it leads somewhere."""
    names = path.split(".")
    for depth, name in enumerate(names):
        if not isinstance(tree, Mapping):
            return f"{'.'.join(names[:depth])} is no block, so that it has no '{name}'"
        if name not in tree:
            return f"{'.'.join(names[:depth]) or 'params.yaml'} has no '{name}'; {offer(name, map(str, tree))}"
        tree = tree[name]
    return None
