"""``metrics/suspects/S.json`` and ``data/suspects/S.csv``: labels that are probably wrong."""

from __future__ import annotations

from typing import Literal

from medcnn.core.tables import Schema
from medcnn.results.base import Number, Record

How = Literal["fold_ensemble", "folds", "held_out"]
"""Which images were looked at: all, training images by the networks that were trained without them; those that folds of
cross-validation test, with validation and test; or validation and test alone."""
SUSPECTS = Schema(
    "a table of suspect labels",
    {
        "image_id": str,
        "path": str,
        "split": str,
        "label": str,
        "suggested": str,
        "chance": float,
        "margin": float,
        "probability": float,
    },
)
"""One row per suspect label, the most suspect first. The chance is that of a wrong label, the probability that of the
suggested class, the margin what the label's own is above it."""


class Planted(Record):
    """Wrong labels that the built-in study was drawn with.

    Attributes:
        images: how many of them were looked at.
        found: how many of these are on the list.
        precision: share of the list that was planted; None where it is empty.
        recall: share of those looked at that are on the list; None where there are none.
        likely, likely_precision, likely_recall: the same of the labels that are likely wrong.
    """

    images: int
    found: int
    precision: Number
    recall: Number
    likely: int = 0
    likely_precision: Number = None
    likely_recall: Number = None


class Suspects(Record):
    """How many labels are suspect.

    Attributes:
        model: whose probabilities labels were held against.
        how: of which images.
        images: how many were looked at.
        of: how many the study has.
        listed: how many labels are on the list; of several findings an image may have more than one.
        likely: how many of these are rather wrong than right.
        expected: how many of these are wrong, as expected.
        estimated: the share of all labels that are wrong.
        estimated_low, estimated_high: its interval.
        by_label: listed by their label and the class that is suggested.
        planted: of the built-in study.
    """

    model: str
    how: How
    images: int
    of: int
    listed: int
    likely: int = 0
    expected: float = 0.0
    estimated: float
    estimated_low: Number = None
    estimated_high: Number = None
    by_label: dict[str, dict[str, int]]
    planted: Planted | None
