from __future__ import annotations

import pandas as pd

from medcnn.core import tables
from medcnn.dataset.doubts import Doubt
from medcnn.split import agreeing

FILES = pd.Series(["a.png", "b.png", "c.png"], dtype=tables.TEXT)
COLUMNS = ["label", "patient", "part"]


def one_each(*rows: tuple[int, str, str, str]) -> tuple[pd.DataFrame, dict[str, Doubt]]:
    table = pd.DataFrame({name: [row[place + 1] for row in rows] for place, name in enumerate(COLUMNS)})
    table = table.assign(value=table["label"], reason="").astype(tables.TEXT).assign(file=[row[0] for row in rows])
    found, doubts = agreeing.one_each(table, FILES)
    return found, {doubt.kind: doubt for doubt in doubts}


def test_rows_that_agree_count_once_and_complete_each_other() -> None:
    rows, doubts = one_each((1, "x", "", "train"), (0, "y", "Q", ""), (1, "x", "P", ""), (1, "x", "P", "train"))
    assert rows[COLUMNS].loc[1].tolist() == ["x", "P", "train"]
    assert rows.index.tolist() == [1, 0]
    assert {kind: doubt.count for kind, doubt in doubts.items()} == {"repeated_rows": 1}


def test_rows_that_contradict_each_other_give_no_label() -> None:
    rows, doubts = one_each(
        (0, "x", "", ""), (0, "y", "", ""), (1, "x", "P", ""), (1, "x", "Q", ""), (2, "x", "", ""), (2, "", "", "")
    )
    assert rows["label"].tolist() == ["", "", ""]
    assert "'x' and 'y'" in rows["reason"].loc[0]
    assert "patient 'P' and 'Q'" in rows["reason"].loc[1]
    assert doubts["contradicting_rows"].count == 3
    assert doubts["contradicting_rows"].examples[0].startswith("a.png")


def test_single_rows_stay_as_they_are() -> None:
    rows, doubts = one_each((2, "x", "", ""), (0, "", "P", "test"))
    assert rows["label"].to_dict() == {2: "x", 0: ""}
    assert doubts == {}
