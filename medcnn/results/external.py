"""``metrics/external/S/E.json``: the models of study S tested on every image of study E."""

from __future__ import annotations

from medcnn.results.base import Figures, Number, Record
from medcnn.results.data import Counts, Doubt
from medcnn.results.decisions import Called, Conformal
from medcnn.results.measured import Measured


class Side(Record):
    """One model on the images of one study.

    Attributes:
        figures: as on test, but for cross-entropy, Brier score and ECE, which are of calibrated probabilities.
        operating_points: at the home study's thresholds, by class.
        conformal: prediction sets of the home study's threshold; None of several findings.
    """

    figures: Measured
    operating_points: dict[str, Called]
    conformal: Conformal | None


class Change(Record):
    """A figure on external images less that on home's test images."""

    difference: Number
    low: Number
    high: Number

    @property
    def known(self) -> bool:
        """Whether the change has an interval."""
        return self.low is not None and self.high is not None

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


class Target(Record):
    """Whether a threshold still reaches the rate that it was fitted for at home.

    Attributes:
        rate: sensitivity or specificity.
        wanted: how much of it.
        kept: None where the images do not decide it.
    """

    rate: str
    wanted: float
    kept: bool | None


class Adjusted(Record):
    """A model's calibrated probabilities adjusted to the other study, judged there.

    Attributes:
        figures: accuracy, and the figures that calibration changes.
        saved: cross-entropy as it is less that of the adjusted probabilities.
    """

    figures: Figures
    saved: Change


class Share(Record):
    """The share of a class that a model's probabilities rest on, the one it estimates elsewhere, and the true one."""

    home: Number
    estimated: Number
    actual: Number


class ForShares(Adjusted):
    """Corrected for the shares of the classes, which are estimated without labels (Saerens et al. 2002)."""

    classes: dict[str, Share]


class Bias(Record):
    """What recalibration adds to the logit of a class.

    Attributes:
        expected: the mean probability of the class.
        bias: of two classes more than to the other's logit, of more than to the mean; None of a class without images.
    """

    expected: Number
    bias: Number
    bias_low: Number
    bias_high: Number


class Recalibrated(Adjusted):
    """Recalibrated in the large: biases are of a fit on all images, figures of images that their fit did not see.

    Attributes:
        folds: of whole groups, each recalibrated by a fit on the others.
        classes: by class; the positive one alone of two.
        slope: factor of the logits that would calibrate them, below 1 where probabilities are too extreme; None of
            several findings.
    """

    folds: int
    classes: dict[str, Bias]
    slope: Number
    slope_low: Number
    slope_high: Number


class Tested(Record):
    """One model on both sides.

    Attributes:
        change: of each figure by its key.
        targets: by class, for thresholds that were fitted for a sensitivity or a specificity.
        for_shares: None without validation images at home.
    """

    external: Side
    home: Side
    change: dict[str, Change]
    targets: dict[str, Target]
    for_shares: ForShares | None
    recalibrated: Recalibrated


class Unlike(Record):
    """The share of images that the home study's novelty check calls unlike its training images."""

    share: Number
    share_low: Number
    share_high: Number


class Prevalence(Change):
    """The share of a class on external images, on home's test images, and the difference."""

    external: Number
    home: Number


class Copies(Record):
    """External images that were left out because the home study has them too.

    Attributes:
        exact: with the same bytes.
        near: near duplicates of other bytes.
        parts: all of them, by the part of the home study that has them.
    """

    exact: int
    near: int
    parts: Counts

    @property
    def images(self) -> int:
        """How many were left out."""
        return self.exact + self.near


class External(Record):
    """All of one external study.

    Attributes:
        images: on which the models were tested.
        groups: independent of each other, in these images.
        patients: whether groups are patients.
        set_aside: images that ``split`` could not use.
        copies: images that were left out.
        classes: class names that both studies have, in the home study's order.
        absent: class names that only the home study has: its test images of these are left out of the comparison.
        prevalence: share of each class.
        unlike: on external images, and on home's test images.
        doubts: what a reader should know about the external images.
        models: by name.
    """

    images: int
    groups: int
    patients: bool
    set_aside: int
    copies: Copies
    classes: tuple[str, ...]
    absent: tuple[str, ...]
    prevalence: dict[str, Prevalence]
    unlike: dict[str, Unlike]
    doubts: list[Doubt]
    models: dict[str, Tested]

    @property
    def sides(self) -> list[Measured]:
        """The figures of all models on both sides, which share an axis."""
        return [side.figures for tested in self.models.values() for side in (tested.external, tested.home)]
