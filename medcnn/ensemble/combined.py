"""Ensembles and cascades from their record alone: which networks they run, and how they join the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.ensemble import rules
from medcnn.ensemble.cascading import Cascade
from medcnn.ensemble.rules import Rule
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
        choices = ", ".join(found) or "there is none"
        raise MedcnnError(f"{paths.metrics('ensemble', study)} has no '{name}'; choose from {choices}")
    return found[name]


def read_all(study: str) -> dict[str, Combined]:
    """All ensembles and cascades of a study, by name.

    Raises:
        MedcnnError: there is no record, or it lacks something.
    """
    path = paths.metrics("ensemble", study)
    try:
        record = files.read_json(path)
        ensembles = {f"ensemble_{key}": rules.read(key, block) for key, block in record["combiners"].items()}
        cascades = {name: _cascade(block) for name, block in record["cascades"].items()}
        return {name: Combined(name, *parts) for name, parts in (ensembles | cascades).items()}
    except FileNotFoundError as error:
        raise MedcnnError(f"{path} not found; run `dvc repro` to make it") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MedcnnError(f"{path} lacks what prediction needs ({error}); run `dvc repro` to make it again") from error


def _cascade(block: Mapping[str, Any]) -> tuple[tuple[str, ...], Cascade]:
    return (block["first"], block["second"]), Cascade(block["temperature"], block["threshold"])
