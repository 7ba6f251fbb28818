"""The gate of a pull request: what its results must hold."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from medcnn.params.judging import figures
from medcnn.params.judging.evaluate import Judging
from medcnn.params.shared.base import Block, known


def _gated(figure: str) -> str:
    known("figure", figure, figures.GATED)
    return figure


Gated = Annotated[str, AfterValidator(_gated)]
"""The key of a figure on test that the gate can hold."""
Bound = Annotated[float, Field(ge=0, le=1)] | None


class Gate(Block):
    """What the chosen model of every study must hold on test, for ``make gate`` to pass."""

    floors: dict[Gated, Bound] = Field(default_factory=dict)
    """Least value by figure; an empty one is no bound."""
    largest_fall: dict[Gated, Bound] = Field(default_factory=dict)
    """Most that a figure may fall below that of the base, by figure; an empty one is no bound."""


class Evaluate(Judging, extra="forbid"):
    """How figures on held-out images are judged, and what they must hold."""

    gate: Gate = Gate()
    """What ``make gate`` holds a change to."""
