from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from medcnn.core import files
from medcnn.dataset.predictions import Predictions
from medcnn.evaluate import by_subgroup
from medcnn.measures import statistics
from medcnn.params.whole import Params

VALUES = ["F"] * 10 + ["M"] * 12 + ["unknown"] * 3
RIGHT = np.array([True] * 9 + [False] + [True, False] * 6 + [False] * 3)
LABELS = np.array([0, 1] * 11 + [0] * 3)


def figures(settings: Params, values: list[str]) -> dict[str, Any]:
    """The block of 25 images, two of each patient, of a model that is as right as ``RIGHT`` says."""
    predicted = np.where(RIGHT, LABELS, 1 - LABELS)
    ids = tuple(map(str, range(25)))
    table = Predictions(("healthy", "ill"), ids, ("test",) * 25, LABELS, np.eye(2)[predicted] * 0.6 + 0.2)
    patients = [str(index // 2) for index in range(25)]

    def measured(rows: Sequence[int]) -> dict[str, Any]:
        return statistics.measured(table.at(rows), [patients[row] for row in rows], settings.evaluate, 0, True)

    return by_subgroup.block({"sex": values}, measured)["sex"]


def test_every_group_is_measured_on_its_own_images(settings: Params) -> None:
    found = files.rounded(figures(settings, VALUES)["groups"])
    assert {name: (block["support"], block["groups"], block["accuracy"]) for name, block in found.items()} == {
        "F": (10, 5, 0.9),
        "M": (12, 6, 0.5),
        "unknown": (3, 2, 0.0),
    }
    for name, block in found.items():
        assert block["accuracy_low"] <= block["accuracy"] <= block["accuracy_high"]
        assert (block["auroc"] is None) == (name == "unknown")
        assert {"auroc_low", "auroc_high", "cross_entropy", "cross_entropy_low", "cross_entropy_high"} <= set(block)
        assert "brier" not in block


def test_groups_of_few_images_stay_out_of_the_gap(settings: Params) -> None:
    assert figures(settings, VALUES)["largest_gap"] == {"accuracy": pytest.approx(0.4), "between": ["M", "F"]}


def test_one_group_has_no_gap(settings: Params) -> None:
    gap = figures(settings, ["F"] * 22 + ["M"] * 3)["largest_gap"]
    assert files.rounded(gap) == {"accuracy": None, "between": []}


def test_equal_groups_have_a_gap_of_nothing_between_two() -> None:
    same = {name: {"accuracy": 0.5, "support": 20} for name in ("a", "b", "c")}
    assert by_subgroup.largest_gap(same) == {"accuracy": 0, "between": ["a", "c"]}
