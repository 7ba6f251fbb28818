"""Values by which tables say that they know nothing."""

from __future__ import annotations

import pandas as pd

MISSING = frozenset({
    "", "-", "--", "-1", "-1.0", ".", "?", "<na>", "missing", "n.a.", "n/a", "na", "nan", "nat", "none",
    "not available", "null", "unk", "unknown",
})  # fmt: skip
"""In lower case, without blanks around them."""


def is_missing(value: str) -> bool:
    """Whether a value of a table stands for none."""
    return value.strip().casefold() in MISSING


def blanked(values: pd.Series[str]) -> pd.Series[str]:
    """Values without the blanks around them, '' for each that stands for none."""
    bare = values.str.strip()
    return bare.mask(bare.str.lower().isin(MISSING), "")
