"""Subgroups of a study's images, by sex, age band or scanner: which image is in which."""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path

from medcnn.core import files
from medcnn.core.errors import MedcnnError

UNKNOWN = "unknown"
"""The group of images without a value. It is a group like any other: values are seldom missing by chance."""
_MISSING = {"", "na", "n/a", "nan", "none", "null", UNKNOWN}


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


def _number(value: str, where: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise MedcnnError(f"{where}: the label CSV has '{value}', which is no number; set it to [] for words")
    return number
