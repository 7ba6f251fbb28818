from __future__ import annotations

import pandas as pd
import pytest

from medcnn.core import tables
from medcnn.core.errors import MedcnnError
from medcnn.split import one_hot


def cells(*rows: str) -> pd.DataFrame:
    return pd.DataFrame([row.split(",") for row in rows], columns=["MEL", "NV", "BCC"], dtype=tables.TEXT)


def test_the_column_that_is_1_names_the_class_however_1_is_written() -> None:
    values, reasons = one_hot.values(cells("1,0,0", "0.0,1.0,0.0", "false, TRUE,False", "no,,yes"), "k")
    assert values.tolist() == ["MEL", "NV", "NV", "BCC"]
    assert (reasons == "").all()


def test_none_and_several_have_a_reason_instead() -> None:
    values, reasons = one_hot.values(cells("0,0,0", "1,0,1", "1,0,0"), "k")
    assert values.tolist() == ["", "", "MEL"]
    assert reasons.iloc[0].startswith("no class: none of MEL, NV, BCC")
    assert reasons.iloc[1] == "several classes: MEL and BCC"


@pytest.mark.parametrize("cell", ["0.5", "2", "-1", "maybe"])
def test_a_cell_that_is_neither_is_refused(cell: str) -> None:
    with pytest.raises(MedcnnError, match=rf"studies\.x.* column NV has '{cell}'"):
        one_hot.values(cells(f"1,{cell},0"), "studies.x")


def test_findings_are_all_columns_that_are_1_and_uncertain_rows_have_none() -> None:
    names, reasons = one_hot.findings(cells("1,0,1", "0,,0", "-1,1,0", "0,1.0,0"), "|", "k")
    assert names.tolist() == ["MEL|BCC", "no finding", "", "NV"]
    assert [bool(reason) for reason in reasons] == [False, False, True, False]
    with pytest.raises(MedcnnError, match="column NV"):
        one_hot.findings(cells("1,2,0"), "|", "k")
