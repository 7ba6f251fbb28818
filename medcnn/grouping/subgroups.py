"""Subgroups of a study's images, by sex, age band or scanner: who is in which, and how a model does in each."""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from medcnn.core import files
from medcnn.core.errors import MedcnnError

UNKNOWN = "unknown"
"""The group of images without a value. It is a group like any other: values are seldom missing by chance."""
FEWEST = 10
"""Groups of fewer images are shown, and stay out of the largest gap: there an image is worth over 10 points."""
_MISSING = {"", "na", "n/a", "nan", "none", "null", UNKNOWN}
_FIGURES = tuple(
    f"{figure}{bound}" for figure in ("accuracy", "auroc", "cross_entropy") for bound in ("", "_low", "_high")
)


def named(
    rows: Mapping[str, Mapping[str, str]], columns: Mapping[str, Sequence[float]], where: str
) -> dict[str, dict[str, str]]:
    """By column, the subgroup of each image.

    Args:
        rows: by image, the label CSV's row; an empty one for an image that the CSV does not list.
        columns: ``subgroups`` of the study: by column the numbers at which bands begin, or none for words.
        where: the key path of ``subgroups``, for messages.

    Raises:
        MedcnnError: the CSV lacks a column, or has a word where bands need a number.
    """
    header = [name for name in next(filter(None, rows.values()), columns) if name]
    absent = next((column for column in columns if column not in header), None)
    if absent is not None:
        raise MedcnnError(f"{where}.{absent}: the label CSV has no column '{absent}'; it has {', '.join(header)}")
    return {
        column: {image: band((row.get(column) or "").strip(), cuts, f"{where}.{column}") for image, row in rows.items()}
        for column, cuts in columns.items()
    }


def band(value: str, cuts: Sequence[float], where: str) -> str:
    """The subgroup of one value: the value itself, or ``<40``, ``40-60`` (40 is inside, 60 not) or ``>=60``.

    Raises:
        MedcnnError: there are cuts, and the value is no number.
    """
    if value.casefold() in _MISSING:
        return UNKNOWN
    if not cuts:
        return value
    place = bisect_right(cuts, _number(value, where))
    if place in (0, len(cuts)):
        return f">={cuts[-1]:g}" if place else f"<{cuts[0]:g}"
    return f"{cuts[place - 1]:g}-{cuts[place]:g}"


def write(path: Path, images: Mapping[str, str], columns: Mapping[str, Mapping[str, str]]) -> None:
    """Write the subgroups of images.

    Args:
        path: the CSV, of ``image_id`` and a column for each of ``columns``, which may be none.
        images: the path of each image by its id, in the order of the manifest.
        columns: by column, the subgroup of each image by its path.
    """
    lines = ((image_id, *(values[name] for values in columns.values())) for image_id, name in images.items())
    files.write_csv(path, ("image_id", *columns), lines)


def read(path: Path) -> dict[str, dict[str, str]]:
    """By column, the subgroup of each image id.

    Raises:
        MedcnnError: the file is missing.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *lines = list(csv.reader(file)) or [[]]
    except FileNotFoundError as error:
        raise MedcnnError(f"{path} not found; run `dvc repro` to make it") from error
    return {column: {line[0]: line[place] for line in lines} for place, column in enumerate(header) if place}


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
        figures[name] = {key: found[key] for key in ("support", "groups", *_FIGURES)}
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


def _number(value: str, where: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise MedcnnError(f"{where}: the label CSV has '{value}', which is no number; set it to [] for words")
    return number
