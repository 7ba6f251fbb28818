"""What a model's probabilities decide, and what that costs: operating points, consequences, prediction sets."""

from __future__ import annotations

from medcnn.results.base import Number, Record


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
    """How many independent images a test of one class needs, by criterion (Riley et al. 2021).

    Attributes:
        both_kinds: for so many of the class and others that the other criteria can be trusted; None in older files.
    """

    both_kinds: Number = None
    observed_expected: Number
    slope: Number
    auroc: Number
    net_benefit: Number

    @property
    def most(self) -> Number:
        """What meets every criterion that is known."""
        found = (self.both_kinds, self.observed_expected, self.slope, self.auroc, self.net_benefit)
        return max((images for images in found if images is not None), default=None)


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
