"""How good a model is on some images: figures of merit, with intervals where images are held out."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import model_validator

from medcnn.params.judging.figures import CALIBRATED, FIGURES, SCORED, TESTED, Figure, found
from medcnn.results.base import Figures, Number, Record, checked


class Rates(Record):
    """One class against the rest, without intervals."""

    recall: Number
    specificity: Number
    precision: Number
    f1: Number
    support: int
    false_negatives: int
    false_positives: int


class MeasuredRates(Rates):
    """The same with intervals."""

    recall_low: Number
    recall_high: Number
    specificity_low: Number
    specificity_high: Number
    precision_low: Number
    precision_high: Number
    f1_low: Number
    f1_high: Number


class MeasuredFinding(MeasuredRates):
    """One of several findings, with the figures of the two classes that it makes, absent and present."""

    auroc: Number
    auroc_low: Number
    auroc_high: Number
    average_precision: Number
    average_precision_low: Number
    average_precision_high: Number
    cross_entropy: Number
    cross_entropy_low: Number
    cross_entropy_high: Number
    brier: Number
    brier_low: Number
    brier_high: Number
    ece: Number
    ece_low: Number
    ece_high: Number


class Scored(Figures):
    """Figures of the training part, without intervals."""

    support: int
    classes: dict[str, Rates]

    @model_validator(mode="after")
    def _whole(self) -> Scored:
        return checked(self, (figure.key for figure in _wanted(SCORED, self)))


class Measured(Figures):
    """Figures of a held-out part, with intervals; by patient as well where patients are known."""

    support: int
    groups: int
    classes: dict[str, MeasuredRates] | dict[str, MeasuredFinding]

    @property
    def by_patient(self) -> bool:
        """Whether patients are known, so that there are figures in which every patient weighs the same."""
        return any(figure.key in (self.model_extra or {}) for figure in FIGURES if figure.by_patient)

    @model_validator(mode="after")
    def _whole(self) -> Measured:
        return checked(self, _keys(FIGURES, self))


class Subgroup(Figures):
    """The tested figures of one subgroup."""

    support: int
    groups: int

    @model_validator(mode="after")
    def _whole(self) -> Subgroup:
        return checked(self, _keys(TESTED, self))


class Gap(Record):
    """The largest difference in accuracy between two subgroups, and their names, the worse one first."""

    accuracy: Number
    between: tuple[str, ...]


class Subgroups(Record):
    """The subgroups of one column, by value."""

    groups: dict[str, Subgroup]
    largest_gap: Gap


class Uncalibrated(Figures):
    """Figures on test before temperature scaling."""

    @model_validator(mode="after")
    def _whole(self) -> Uncalibrated:
        return checked(self, _keys(CALIBRATED, self))


class Calibration(Figures):
    """Figures on test after temperature scaling; the temperature is fitted on validation."""

    temperature: float
    before: Uncalibrated

    @model_validator(mode="after")
    def _whole(self) -> Calibration:
        return checked(self, _keys(CALIBRATED, self))


def _keys(figures: Iterable[Figure], block: Figures) -> Iterable[str]:
    """Keys that a block must have."""
    return [key for figure in _wanted(figures, block) for key in figure.keys]


def _wanted(figures: Iterable[Figure], block: Figures) -> Iterable[Figure]:
    """Figures that a block must have; those by patient are all there, or none, and so are those of findings."""
    present = found(FIGURES, block.model_extra or {})
    by_patient, of_findings = any(of.by_patient for of in present), any(of.of_findings for of in present)
    return [of for of in figures if (by_patient or not of.by_patient) and (of_findings or not of.of_findings)]
