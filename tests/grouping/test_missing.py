from __future__ import annotations

import pandas as pd

from medcnn.core import tables
from medcnn.grouping import missing


def test_words_for_nothing_are_blank_and_others_lose_the_blanks_around_them() -> None:
    values = pd.Series([" P1 ", "NaN", "unknown", "-1", " ", "?", "0", "Nancy"], dtype=tables.TEXT)
    assert missing.blanked(values).tolist() == ["P1", "", "", "", "", "", "0", "Nancy"]
    assert [missing.is_missing(value) for value in values] == [value == "" for value in missing.blanked(values)]
