"""How results are judged: intervals, calibration, operating points and prediction sets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from medcnn.params.shared.base import Block, Positive, View

Confidence = Annotated[float, Field(ge=0.5, lt=1)]
Coverage = Annotated[float, Field(gt=0, lt=1)]


class OperatingPoint(Block):
    """Which threshold is wanted, fitted on validation."""

    kind: Literal["sensitivity", "specificity", "youden"] = "sensitivity"
    """The threshold of a sensitivity or of a specificity, or of Youden's index."""
    value: Annotated[float, Field(gt=0, le=1)] = 0.95
    """The sensitivity or specificity wanted at least; Youden's index takes none."""


class Confident(View):
    """How wide intervals are."""

    confidence: Confidence = 0.95
    """Level of every interval."""


class Decided(View):
    """What is decided on validation, and goes into exported models."""

    operating_point: OperatingPoint = OperatingPoint()
    """The threshold that is wanted."""
    coverage: Coverage = 0.9
    """Share of images whose conformal prediction set should hold the truth."""


class Judging(Confident, Decided):
    """How figures on held-out images are judged."""

    resamples: Annotated[int, Field(ge=100)] = 2000
    """Bootstrap draws of whole patients."""
    bins: Positive = 15
    """Bins of equal width of the reliability diagram and of the expected calibration error."""

    @property
    def significance(self) -> float:
        """Below which p-value a difference counts: an interval of ``confidence`` then leaves out 0."""
        return round(1 - self.confidence, 9)
