"""``metrics/ensemble/S.json``: the fitted ensembles and cascades."""

from __future__ import annotations

from medcnn.results.base import Number, Record


class Validated(Record):
    """Figures on validation, out of fold where something is fitted; None where validation is too small for folds."""

    accuracy: Number
    cross_entropy: Number


class Softmax(Record):
    """A dense softmax: F rows of C weights, and C biases."""

    kernel: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]


class Combiner(Record):
    """One ensemble: its members in order, and their weights or the softmax on their probabilities; a vote has none."""

    members: tuple[str, ...]
    validation: Validated
    weights: dict[str, float] | None = None
    dense: Softmax | None = None


class Shares(Record):
    """The share of images that the first model of a cascade answers."""

    validation: Number
    test: Number


class Cost(Record):
    """Multiply-accumulates for one image: of either model, and of the cascade on average over test."""

    first: int
    second: int
    mean: int


class Cascade(Record):
    """One cascade: the first model answers where its calibrated confidence is above the threshold.

    Its figures on validation are out of fold, and absent where there can be no folds.
    """

    first: str
    second: str
    temperature: float
    threshold: float
    first_share: Shares
    macs: Cost
    validation: Validated | None = None


class Combined(Record):
    """All of a study.

    Attributes:
        combiners: ensembles by the name of their combiner; none of a single model.
        chosen: the combiner of the lowest cross-entropy on validation.
        macs: multiply-accumulates for one image, by the name of model, ensemble or cascade.
        by_finding: whether ensembles decide about each of several findings on its own; absent where there is one class.
        left_out: why there are none of something, by its name.
    """

    combiners: dict[str, Combiner]
    chosen: str | None
    cascades: dict[str, Cascade]
    macs: dict[str, int]
    by_finding: bool | None = None
    left_out: dict[str, str] | None = None

    @property
    def unscored(self) -> tuple[str, ...]:
        """The ensembles and cascades whose answers on validation are flattered, as there are no folds: never chosen."""
        ensembles = (
            f"ensemble_{name}" for name, made in self.combiners.items() if made.validation.cross_entropy is None
        )
        return (*ensembles, *(name for name, made in self.cascades.items() if made.validation is None))
