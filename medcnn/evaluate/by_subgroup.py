"""How a model does in each subgroup of the test images, and where it does worst."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from medcnn.params.judging.figures import TESTED

FEWEST = 10
"""Groups of fewer images are shown, and stay out of the largest gap: there an image is worth over 10 points."""
_KEYS = tuple(key for figure in TESTED for key in figure.keys)


def block(
    columns: Mapping[str, Sequence[str]], measured: Callable[[Sequence[int]], Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """What ``metrics/evaluate/S.json`` says of a model's subgroups: figures of each, and the largest gap in accuracy.

    Args:
        columns: by column, the subgroup of each test image.
        measured: gives all figures (``statistics.measured``) of the test images at some positions.
    """
    return {column: _column(values, measured) for column, values in columns.items()}


def _column(values: Sequence[str], measured: Callable[[Sequence[int]], Mapping[str, Any]]) -> dict[str, Any]:
    figures: dict[str, dict[str, Any]] = {}
    for name in sorted(set(values)):
        found = measured([row for row, value in enumerate(values) if value == name])
        figures[name] = {key: found[key] for key in ("support", "groups", *_KEYS)}
    return {"groups": figures, "largest_gap": largest_gap(figures)}


def largest_gap(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The largest difference in accuracy between two groups of ``FEWEST`` images or more, and which two they are.

    Args:
        figures: by group, at least its ``accuracy`` and its ``support``.

    Returns:
        The difference, and the group of the lowest accuracy before that of the highest; NaN and no groups where
        there are fewer than two to compare.
    """
    accuracy = {name: block["accuracy"] for name, block in figures.items() if block["support"] >= FEWEST}
    if len(accuracy) < 2:
        return {"accuracy": math.nan, "between": []}
    low, *_, high = sorted(accuracy, key=accuracy.__getitem__)
    return {"accuracy": accuracy[high] - accuracy[low], "between": [low, high]}
