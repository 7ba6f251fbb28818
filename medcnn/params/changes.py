"""Changes of ``params.yaml`` for one run, ``key=value`` each, as ``dvc exp run -S`` takes them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from medcnn.params.shared.run import links

Lists = dict[str, Sequence[str | int]]
"""Values of list keys, by key path."""
Values = Mapping[str, Sequence[str | float] | str | float]
"""Values of lists, names and numbers, by key path."""


def covering(study: str, names: Iterable[str], models: Collection[str]) -> Lists:
    """The keys that make a run cover one study and exactly some models, chains among them.

    Args:
        study: its name.
        names: of the models and chains.
        models: those of ``params.yaml``.

    Raises:
        ParamsError: a name is neither that of a model nor that of a chain.
    """
    pairs = [links(name, models) for name in names]
    chains = [(first, second) for first, second in pairs if first]
    single = [name for first, name in pairs if not first]
    firsts = list(dict.fromkeys(first for first, _ in chains))
    changes: Lists = {"run.studies": [study], "run.models": single, "run.chains.first": firsts}
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
