"""``metrics/careless/S/M.json``: what a plain random split would have claimed of a model."""

from __future__ import annotations

from medcnn.results.base import Number, Record


class Claim(Record):
    """What is measured on the test part of one split."""

    accuracy: Number
    accuracy_low: Number
    accuracy_high: Number
    auroc: Number
    auroc_low: Number
    auroc_high: Number


class Careless(Record):
    """A plain random split beside the study's own.

    Attributes:
        images: test images of the random split.
        leaked: how many of them have a relative in its training or validation part.
        honest: the model on the study's own split.
        careless: the model trained and tested on the random one; None where ``run.careless`` does not name it, where
            nothing would leak that does not leak in the study's own split, or where a part would lack a class.
    """

    images: int
    leaked: int
    honest: Claim
    careless: Claim | None
