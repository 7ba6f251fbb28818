"""``metrics/external/S/E.json``: the models of study S tested on every image of study E."""

from __future__ import annotations

from medcnn.results.base import Number, Record
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


class Tested(Record):
    """One model on both sides, and the change of each figure by its key."""

    external: Side
    home: Side
    change: dict[str, Change]


class Unlike(Record):
    """The share of images that the home study's novelty check calls unlike its training images."""

    share: Number
    share_low: Number
    share_high: Number


class Compared(Record):
    """Something on external images beside the same on home's test images."""

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
    prevalence: dict[str, Compared]
    unlike: dict[str, Unlike]
    doubts: list[Doubt]
    models: dict[str, Tested]

    @property
    def sides(self) -> list[Measured]:
        """The figures of all models on both sides, which share an axis."""
        return [side.figures for tested in self.models.values() for side in (tested.external, tested.home)]
