"""The figures of merit of a model, one line each: computed, written, compared, gated and shown in this order.

To add one, write the function of that name in ``medcnn.measures.metrics`` and add a line here. The table lies below
everything that uses it, as ``params.yaml`` names figures in the gate.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

BOUNDS = ("low", "high")


@dataclass(frozen=True)
class Figure:
    """One figure of merit.

    Attributes:
        key: in ``metrics/*.json`` and ``params.yaml``; the ends of its interval are ``<key>_low`` and ``<key>_high``.
        name: as it is called within a sentence.
        better: the direction of improvement.
        scored: whether the function of its name in ``measures.metrics`` gives it for any images, from their classes and
            probabilities alone; other figures are of validation and test only.
        interval: whether it has a confidence interval on validation and test.
        tested: whether it is tested for every pair of models, and given for every subgroup.
        headline: whether ``dvc metrics show`` prints it.
        tile: whether the report's head shows it.
        calibrated: whether it is given before and after temperature scaling.
        by_patient: whether every patient weighs the same in it, so that it is absent where patients are not known.
        of_findings: whether it is absent where images have one class each.
    """

    key: str
    name: str
    better: Literal["higher", "lower"]
    scored: bool = True
    interval: bool = True
    tested: bool = False
    headline: bool = True
    tile: bool = False
    calibrated: bool = False
    by_patient: bool = False
    of_findings: bool = False

    @property
    def title(self) -> str:
        """The name as a heading."""
        return self.name[0].upper() + self.name[1:]

    @property
    def sign(self) -> int:
        """What a difference is multiplied with to be positive where it is an improvement."""
        return 1 if self.better == "higher" else -1

    @property
    def keys(self) -> tuple[str, ...]:
        """Its key, and those of the ends of its interval if it has one."""
        return (self.key, *(f"{self.key}_{bound}" for bound in BOUNDS)) if self.interval else (self.key,)


FIGURES = (
    Figure("accuracy", "accuracy", "higher", tested=True, tile=True),
    Figure("balanced_accuracy", "balanced accuracy", "higher", tile=True),
    Figure("auroc", "AUROC", "higher", tested=True, tile=True),
    Figure("average_precision", "average precision", "higher", tile=True, of_findings=True),
    Figure("micro_f1", "micro F1", "higher", of_findings=True),
    Figure("cross_entropy", "cross-entropy", "lower", tested=True, tile=True, calibrated=True),
    Figure("brier", "Brier score", "lower", calibrated=True),
    Figure("ece", "ECE", "lower", scored=False, calibrated=True),
    Figure("patient_accuracy", "patient-level accuracy", "higher", scored=False, tile=True, by_patient=True),
    Figure(
        "patient_cross_entropy", "patient-level cross-entropy", "lower", scored=False, headline=False, by_patient=True
    ),
)

BY_KEY: Mapping[str, Figure] = {figure.key: figure for figure in FIGURES}
SCORED = tuple(figure for figure in FIGURES if figure.scored)
TESTED = tuple(figure for figure in FIGURES if figure.tested)
CALIBRATED = tuple(figure for figure in FIGURES if figure.calibrated)
GATED = tuple(
    figure.key for figure in FIGURES if figure.better == "higher" and not (figure.by_patient or figure.of_findings)
)
"""Keys of the figures that the gate of a pull request can hold."""


def of_findings(block: Container[str]) -> bool:
    """Whether a block of results is of several findings per image."""
    return any(figure.key in block for figure in FIGURES if figure.of_findings)


def found(figures: Iterable[Figure], block: Container[str]) -> tuple[Figure, ...]:
    """The figures that a block of results has: those by patient, and those of findings, may be absent."""
    return tuple(figure for figure in figures if figure.key in block)
