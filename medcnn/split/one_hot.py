"""Label tables with a column for each class, of which one is 1 in every row, or any number for findings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from medcnn.core import tables
from medcnn.core.errors import MedcnnError
from medcnn.params.shared.classes import NO_FINDING

_MEANING = {**dict.fromkeys(("1", "1.0", "true", "yes"), 1), **dict.fromkeys(("0", "0.0", "false", "no", ""), 0)}
_UNCERTAIN = dict.fromkeys(("-1", "-1.0"), -1)
"""As the CheXpert labeller writes what a report leaves open."""


def values(cells: pd.DataFrame, where: str) -> tuple[pd.Series[str], pd.Series[str]]:
    """The name of the column that is 1 in each row, and why a row has none; '' in the other of the two.

    Args:
        cells: the columns; 1 may be written 1.0, true or yes, and 0 also as an empty cell.
        where: the key path of the columns, for messages.

    Raises:
        MedcnnError: a cell is neither.
    """
    codes = np.stack([_codes(cells[column], _MEANING, f"{where}: column {column}") for column in cells], axis=1)
    marked, names = codes.sum(axis=1), np.array(cells.columns, object)
    which = np.where(marked == 1, names[codes.argmax(axis=1)], "")
    reasons = np.full(len(cells), "", object)
    reasons[marked == 0] = f"no class: none of {', '.join(names)} is 1"
    several, back = np.unique(codes[marked > 1], axis=0, return_inverse=True)
    texts = [f"several classes: {' and '.join(names[row == 1])}" for row in several]
    reasons[marked > 1] = np.array(texts, object)[back.ravel()] if texts else ""
    return pd.Series(which, cells.index, dtype=tables.TEXT), pd.Series(reasons, cells.index, dtype=tables.TEXT)


def findings(cells: pd.DataFrame, separator: str, where: str) -> tuple[pd.Series[str], pd.Series[str]]:
    """The names of the columns that are 1 in each row, joined, or ``no finding``; and why a row has no label.

    Args:
        cells: as for ``values``; a row that says -1 anywhere, uncertain, has no label.
        separator: between names.
        where: the key path of the columns, for messages.

    Raises:
        MedcnnError: a cell is none of these.
    """
    meaning = _MEANING | _UNCERTAIN
    codes = np.stack([_codes(cells[column], meaning, f"{where}: column {column}") for column in cells], axis=1)
    rows, back = np.unique(codes, axis=0, return_inverse=True)
    names = np.array(cells.columns, object)
    texts = [separator.join(names[row == 1]) or NO_FINDING for row in rows]
    reasons = [f"uncertain: {names[row < 0][0]} is -1" if (row < 0).any() else "" for row in rows]
    joined, said = (np.array(found, object)[back.ravel()] for found in (texts, reasons))
    joined[said != ""] = ""
    return pd.Series(joined, cells.index, dtype=tables.TEXT), pd.Series(said, cells.index, dtype=tables.TEXT)


def _codes(column: pd.Series[str], meaning: Mapping[str, int], where: str) -> np.ndarray:
    meanings = {text: meaning.get(text.strip().casefold()) for text in column.unique()}
    strange = next((text for text, meaning in meanings.items() if meaning is None), None)
    if strange is not None:
        raise MedcnnError(f"{where} has '{strange}', which is neither 1 nor 0; correct it, or use csv.label")
    return column.map(meanings).to_numpy(np.int8)
