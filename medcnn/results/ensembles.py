"""``metrics/ensemble/S.json``: the fitted ensembles and cascades."""

from __future__ import annotations

from medcnn.results.base import Number, Record


class Validated(Record):
    """Figures of a combiner on validation, out of fold if it is a fitted one."""

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
    """One cascade: the first model answers where its calibrated confidence is above the threshold."""

    first: str
    second: str
    temperature: float
    threshold: float
    first_share: Shares
    macs: Cost


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
