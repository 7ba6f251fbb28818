"""Subgroups of a study's images, by sex, age band or scanner: which image is in which."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from medcnn.core import tables
from medcnn.core.errors import MedcnnError
from medcnn.grouping.missing import is_missing

SCHEMA = tables.Schema("a table of subgroups", {"image_id": str}, key="image_id", others=str)
UNKNOWN = "unknown"
"""The group of images without a value. It is a group like any other: values are seldom missing by chance."""


def named(table: pd.DataFrame, columns: Mapping[str, Sequence[float]], where: str) -> pd.DataFrame:
    """The subgroup of each image, one column for each kind of subgroup.

    Args:
        table: the label CSV's row of each image, by its path; '' for what the CSV does not say.
        columns: ``subgroups`` of the study: by column the numbers at which bands begin, or none for words.
        where: the key path of ``subgroups``, for messages.

    Raises:
        MedcnnError: the CSV lacks a column, or has a word where bands need a number.
    """
    absent = next((column for column in columns if column not in table), None)
    if absent is not None:
        header = ", ".join(table.columns)
        raise MedcnnError(f"{where}.{absent}: the label CSV has no column '{absent}'; it has {header}")
    found = {
        column: [band(value.strip(), cuts, f"{where}.{column}") for value in table[column]]
        for column, cuts in columns.items()
    }
    return pd.DataFrame(found, table.index, dtype=tables.TEXT)


def band(value: str, cuts: Sequence[float], where: str) -> str:
    """The subgroup of one value: the value itself, or ``<40``, ``40-60`` (40 is inside, 60 not) or ``>=60``.

    Raises:
        MedcnnError: there are cuts, and the value is not a number.
    """
    if is_missing(value):
        return UNKNOWN
    if not cuts:
        return value
    place = bisect_right(cuts, _number(value, where))
    if place in (0, len(cuts)):
        return f">={cuts[-1]:g}" if place else f"<{cuts[0]:g}"
    return f"{cuts[place - 1]:g}-{cuts[place]:g}"


def write(path: Path, images: pd.DataFrame, subgroups: pd.DataFrame) -> None:
    """Write the subgroups of images.

    Args:
        path: the CSV, of ``image_id`` and the columns of ``subgroups``, which may be none.
        images: the image_id and the path of each image, in the order of the manifest.
        subgroups: the subgroups of each image, by its path.
    """
    found = subgroups.iloc[tables.positions(images["path"], subgroups.index)] if len(subgroups.columns) else subgroups
    columns = {str(column): found[column].array for column in found}
    tables.write(path, tables.frame({"image_id": images["image_id"].array, **columns}, SCHEMA))


def read(path: Path) -> pd.DataFrame:
    """The subgroups of each image id, one column for each kind of subgroup.

    Raises:
        MedcnnError: the file is missing or is not a table of subgroups.
    """
    return tables.read(path, SCHEMA).set_index("image_id")


def _number(value: str, where: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise MedcnnError(f"{where}: the label CSV has '{value}', which is not a number; set it to [] for words")
    return number
