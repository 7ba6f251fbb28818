"""How results are judged: intervals, calibration, operating points, prediction sets, and the gate of a pull request."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from medcnn.params import figures
from medcnn.params.base import Block, Positive, known


def _gated(figure: str) -> str:
    known("figure", figure, figures.GATED)
    return figure


Gated = Annotated[str, AfterValidator(_gated)]
"""The key of a figure on test that the gate can hold."""


class OperatingPoint(Block):
    """Which threshold is wanted, fitted on validation: of a sensitivity, of a specificity, or Youden's.

    ``value`` is the sensitivity or the specificity that is wanted at least; Youden's index takes none.
    """

    kind: Literal["sensitivity", "specificity", "youden"]
    value: Annotated[float, Field(gt=0, le=1)]


class Gate(Block):
    """What the chosen model of every study must hold on test, for ``make gate`` to pass."""

    floors: dict[Gated, Annotated[float, Field(ge=0, le=1)] | None]
    largest_fall: dict[Gated, Annotated[float, Field(ge=0, le=1)] | None]


class Evaluate(Block):
    """How figures on held-out images are judged.

    Attributes:
        confidence: of every interval.
        resamples: bootstrap draws of whole patients.
        bins: of the reliability diagram and the expected calibration error, of equal width.
        coverage: the share of images whose conformal prediction set should hold the truth.
    """

    confidence: Annotated[float, Field(ge=0.5, lt=1)]
    resamples: Annotated[int, Field(ge=100)]
    bins: Positive
    operating_point: OperatingPoint
    coverage: Annotated[float, Field(gt=0, lt=1)]
    gate: Gate

    @property
    def significance(self) -> float:
        """Below which p-value a difference counts: an interval of ``confidence`` then leaves out 0."""
        return round(1 - self.confidence, 9)
