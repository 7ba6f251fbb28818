"""The card of a model of three classes, as if it had been exported."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from medcnn.inference.card import Card
from medcnn.inference.novelty import FEATURES, Novelty


def card(**changes: Any) -> Card:
    """A card of ``tiny`` on ``phantom``, with changes."""
    whole = Card(
        study="phantom",
        model="tiny",
        class_names=("a", "b", "ç"),
        positive="b",
        image_size=24,
        fit="stretch",
        precision="float32",
        temperature=1.25,
        conformal_threshold=0.5,
        conformal_coverage=0.9,
        operating_points={"a": 0.25, "b": 0.5, "ç": None},
        metrics={"train": {"epochs": 3}, "validation": {"accuracy": 0.75, "cross_entropy": 0.5, "images": 4}},
        data_sha256="0" * 64,
        weights_sha256={"tiny": "1" * 64},
        novelty=Novelty(np.zeros(FEATURES), np.eye(FEATURES), 1.5),
    )
    return replace(whole, **changes)
