"""``metrics/evaluate/S.json`` and ``metrics/comparisons/S.json``: how good the models are, and which differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ConfigDict, Field, model_validator

from medcnn.params.judging.figures import CALIBRATED, FIGURES, SCORED, TESTED, Figure, found
from medcnn.results.base import Figures, Number, Record


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
        return _checked(self, (figure.key for figure in _wanted(SCORED, self)))


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
        return _checked(self, _keys(FIGURES, self))


class Subgroup(Figures):
    """The tested figures of one subgroup."""

    support: int
    groups: int

    @model_validator(mode="after")
    def _whole(self) -> Subgroup:
        return _checked(self, _keys(TESTED, self))


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
        return _checked(self, _keys(CALIBRATED, self))


class Calibration(Figures):
    """Figures on test after temperature scaling; the temperature is fitted on validation."""

    temperature: float
    before: Uncalibrated

    @model_validator(mode="after")
    def _whole(self) -> Calibration:
        return _checked(self, _keys(CALIBRATED, self))


class Reached(Record):
    """What an operating point reaches on validation, which chose it."""

    sensitivity: Number
    specificity: Number


class Called(Record):
    """A threshold, and what it does on some images; all None where validation cannot decide it."""

    threshold: Number
    true_positives: int | None
    false_negatives: int | None
    false_positives: int | None
    true_negatives: int | None
    sensitivity: Number
    sensitivity_low: Number
    sensitivity_high: Number
    specificity: Number
    specificity_low: Number
    specificity_high: Number
    ppv: Number
    ppv_low: Number
    ppv_high: Number
    npv: Number
    npv_low: Number
    npv_high: Number


class OperatingPoint(Called):
    """A threshold fitted on validation, and what it does on test."""

    validation: Reached


class Benefit(Record):
    """Net benefit of calling from a threshold on.

    Attributes:
        default: the net benefit of calling all images or none, whichever is better.
        gain: how much more the model's is.
    """

    threshold: float
    default: Number
    value: Number
    value_low: Number
    value_high: Number
    gain: Number
    gain_low: Number
    gain_high: Number


class Needs(Record):
    """How many independent images a test of one class needs, by criterion (Riley et al. 2021)."""

    observed_expected: Number
    slope: Number
    auroc: Number
    net_benefit: Number


class ClassConsequences(Record):
    """What calling one class is worth, at the threshold of validation and over thresholds."""

    lr_positive: Number
    lr_positive_low: Number
    lr_positive_high: Number
    lr_negative: Number
    lr_negative_low: Number
    lr_negative_high: Number
    number_to_read: Number
    number_to_read_low: Number
    number_to_read_high: Number
    net_benefit: tuple[Benefit, ...]
    needs: Needs


class Consequences(Record):
    """What a model's calls on test are worth to whoever acts on them.

    Attributes:
        accuracy_needs: groups like those of test that know accuracy to 5 points either way.
    """

    mcc: Number
    mcc_low: Number
    mcc_high: Number
    kappa: Number
    kappa_low: Number
    kappa_high: Number
    accuracy_needs: Number
    classes: dict[str, ClassConsequences]


class Membership(Record):
    """How well training images are told from test images by the loss, see ``measures.membership``."""

    auroc: Number
    auroc_low: Number
    auroc_high: Number
    advantage: Number
    members: int
    others: int


class Conformal(Record):
    """Prediction sets on test: wanted and measured coverage, mean size, shares of sets of one class and of none."""

    wanted: float
    threshold: float
    coverage: Number
    coverage_low: Number
    coverage_high: Number
    mean_size: Number
    singletons: Number
    empty: Number
    images: int


class Crossval(Record):
    """One model over folds and repeats.

    Attributes:
        folds: those that count in pooled figures, mean and spread.
        cells: figures by "FOLD-REPEAT".
        pooled: over the test parts of all folds.
        spread: standard deviation over cells.
    """

    folds: tuple[int, ...]
    repeats: tuple[int, ...]
    images: int
    groups: int
    cells: dict[str, Figures]
    pooled: Figures
    mean: Figures
    spread: Figures


class Evaluated(Record):
    """All figures of one model.

    Prediction sets are None where images have several findings, consequences and membership in files of older versions,
    membership of what fold ensembles are part of, the last two where there are no subgroups, or a single cell.
    """

    train: Scored
    validation: Measured
    test: Measured
    balance: Number
    average: Number
    composite: Number
    calibration: Calibration
    operating_points: dict[str, OperatingPoint]
    conformal: Conformal | None
    consequences: Consequences | None = None
    membership: Membership | None = None
    subgroups: dict[str, Subgroups] | None = None
    crossval: Crossval | None = None


class Difference(Record):
    """How much higher a figure of the first model is than the second's; ``p_holm`` is corrected for all pairs.

    ``seeds`` is the standard deviation over seeds, which the rest counts, but ``p_files``, the corrected p-value of
    these very files on other patients; None where both models were trained once.
    """

    difference: Number
    low: Number
    high: Number
    p: Number
    p_holm: Number
    seeds: Number = None
    p_files: Number = None


class Pair(Record):
    """Two models; their difference in each tested figure is got by the figure's key."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, Difference] = Field(init=False)
    first: str
    second: str

    @model_validator(mode="after")
    def _whole(self) -> Pair:
        return _checked(self, (figure.key for figure in TESTED))

    def difference(self, figure: str) -> Difference:
        """The difference in a tested figure."""
        found: Difference = getattr(self, figure)
        return found


class Ends(Record):
    """The models of the lowest and the highest cross-entropy on validation."""

    best: str
    worst: str


class Compared(Ends):
    """``metrics/comparisons/S.json``.

    Attributes:
        networks: the best and the worst single network.
        ranking: all models by accuracy on test, the highest first.
        same_as_best: by figure, the models whose difference from the best is within chance.
    """

    networks: Ends
    ranking: tuple[str, ...]
    pairs: tuple[Pair, ...]
    same_as_best: dict[str, tuple[str, ...]]


def _keys(figures: Iterable[Figure], block: Figures) -> Iterable[str]:
    """Keys that a block must have."""
    return [key for figure in _wanted(figures, block) for key in figure.keys]


def _wanted(figures: Iterable[Figure], block: Figures) -> Iterable[Figure]:
    """Figures that a block must have; those by patient are all there, or none, and so are those of findings."""
    present = found(FIGURES, block.model_extra or {})
    by_patient, of_findings = any(of.by_patient for of in present), any(of.of_findings for of in present)
    return [of for of in figures if (by_patient or not of.by_patient) and (of_findings or not of.of_findings)]


def _checked(block: Any, keys: Iterable[str]) -> Any:
    wanted, present = {*keys}, {*(block.model_extra or {})}
    if wanted - present:
        raise ValueError(f"lacks {', '.join(sorted(wanted - present))}")
    if present - wanted:
        raise ValueError(f"has the unknown {', '.join(sorted(present - wanted))}")
    return block
