"""Ensembles and cascades from their record alone: which networks they run, and how they join the answers."""

from __future__ import annotations

from dataclasses import dataclass

from medcnn.core.choices import offer
from medcnn.core.errors import MedcnnError
from medcnn.ensemble import rules
from medcnn.ensemble.rules import Cascade, Rule
from medcnn.runtime import paths


@dataclass(frozen=True)
class Combined:
    """An ensemble or a cascade of networks.

    Attributes:
        name: ``ensemble_<combiner>`` or ``<first>_<second>_cascade``.
        members: the networks that it runs, in the order of the rule: of an ensemble those with a weight, of a cascade
            the first and the second.
        rule: how their raw probabilities (M, N, C) are joined. ``Cascade.first_answers`` says which images need the
            second network.
    """

    name: str
    members: tuple[str, ...]
    rule: Rule | Cascade


def read(study: str, name: str) -> Combined:
    """An ensemble or a cascade as ``metrics/ensemble/S.json`` has it.

    Raises:
        MedcnnError: it is not there, or its block lacks something.
    """
    found = read_all(study)
    if name not in found:
        raise MedcnnError(f"{paths.metrics('ensemble', study)} has no '{name}'; {offer(name, found)}")
    return found[name]


def read_all(study: str) -> dict[str, Combined]:
    """All ensembles and cascades of a study, by name.

    Raises:
        MedcnnError: there is no record, or it lacks something.
    """
    # Engines of the benchmark, whose start is timed, import this module and may do without pydantic.
    from medcnn.results import base, ensembles

    record = base.read(paths.metrics("ensemble", study), ensembles.Combined)
    made = {
        f"ensemble_{key}": rules.read(key, combiner, bool(record.by_finding))
        for key, combiner in record.combiners.items()
    }
    found = {name: Combined(name, *parts) for name, parts in made.items()}
    for name, cascade in record.cascades.items():
        rule = Cascade(cascade.temperature, cascade.threshold)
        found[name] = Combined(name, (cascade.first, cascade.second), rule)
    return found
