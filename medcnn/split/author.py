"""The parts that the author of the data made: which images, or words of a label table, their patterns match."""

from __future__ import annotations

import numpy as np
import pandas as pd

from medcnn.core.arrays import Truths
from medcnn.params.splits import AuthorSplit
from medcnn.reading.names import matches


def patterns(split: AuthorSplit) -> dict[str, str]:
    """The pattern of each part that has one."""
    given = {"train": split.train, "validation": split.validation, "test": split.test}
    return {part: pattern for part, pattern in given.items() if isinstance(pattern, str)}


def matching(texts: pd.Series[str], pattern: str) -> Truths:
    """Which texts match a pattern; an empty one, of which nothing is known, never does."""
    codes, different = pd.factorize(texts)
    return np.array([text != "" and matches(str(text), pattern) for text in different], bool)[codes]


def column_of_parts(cells: pd.DataFrame, paths: pd.Series[str], split: AuthorSplit) -> str:
    """The column of label tables that says the parts: the only one, and no path is in any part; '' for none.

    Every value of it is that of one part, and every part has a value.

    Args:
        cells: all columns of the tables.
        paths: of all images.
        split: the patterns.
    """
    if any(matching(paths, pattern).any() for pattern in patterns(split).values()):
        return ""
    possible = [str(name) for name, values in cells.items() if _says_parts(values.str.strip(), split)]
    return possible[0] if len(possible) == 1 else ""


def _says_parts(values: pd.Series[str], split: AuthorSplit) -> bool:
    found = np.array([matching(values, pattern) for pattern in patterns(split).values()])
    return bool(found.any(axis=1).all() and (found.sum(axis=0) == (values != "")).all())
