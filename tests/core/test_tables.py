from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medcnn.core import tables
from medcnn.core.errors import MedcnnError

SCHEMA = tables.Schema("a table of doses", {"name": str, "count": int}, key="name", others=float, prefix="d_")
TEXT = 'name,count,d_a\n"x, ""y""\nz",1,0.5\nNA,-2,1e-09\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "t.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_columns_have_the_declared_types_and_the_bytes_come_back(tmp_path: Path) -> None:
    table = tables.read(written(tmp_path, TEXT), SCHEMA)
    assert [str(kind) for kind in table.dtypes] == [str(tables.TEXT), "int64", "float64"]
    assert table["name"].tolist() == ['x, "y"\nz', "NA"]
    tables.write(tmp_path / "again.csv", table)
    assert (tmp_path / "again.csv").read_text() == TEXT


def test_a_column_may_be_read_alone(tmp_path: Path) -> None:
    assert tables.read(written(tmp_path, TEXT), SCHEMA, ["count"]).to_dict("list") == {"count": [1, -2]}


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("NA,-2", "NA,-2,3", "line 4: 4 values for 3 columns"),
        ("NA,-2,", "NA,", "line 4: 2 values for 3 columns"),
        ("NA,-2", "\n\nNA", "line 6: 2 values for 3 columns"),
        ("NA,-2", "NA,two", "line 4: 'two'"),
        ("NA,-2", "NA,", "line 4: ''"),
        ("name,", "label,", "name,count,d_<name>"),
        ("d_a", "a", "name,count,d_<name>"),
        ("name,count,d_a", "name,d_a,count", "name,count,d_<name>"),
    ],
)
def test_what_is_not_such_a_table_is_refused_by_file_and_line(tmp_path: Path, old: str, new: str, where: str) -> None:
    path = written(tmp_path, TEXT.replace(old, new, 1))
    with pytest.raises(MedcnnError) as refusal:
        tables.read(path, SCHEMA)
    assert f"{path} is not a table of doses: " in str(refusal.value)
    assert where in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_repeated_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match=r"t\.csv, name NA: listed twice"):
        tables.read(written(tmp_path, TEXT + "NA,3,1\n"), SCHEMA)


def test_rows_that_come_one_by_one_are_a_table() -> None:
    rows = [(f"r{number}", number) for number in range(3000)]
    table = tables.collected(iter(rows), {"name": str, "count": int})
    assert list(table.itertuples(index=False, name=None)) == rows
    assert tables.collected(iter([]), {"name": str}).shape == (0, 1)


def test_values_are_found_numbered_and_sorted() -> None:
    values = pd.Series(["b", "a", "b", "c"], dtype=tables.TEXT)
    assert tables.positions(values, ["a", "b"]).tolist() == [1, 0, 1, -1]
    numbers = tables.numbered(values)
    assert (numbers[0] == numbers[2]) & (len(np.unique(numbers)) == 3)
    table = pd.DataFrame({"one": values, "two": ["2", "1", "1", "0"]})
    assert tables.sorted_order(table).tolist() == [1, 2, 0, 3]
