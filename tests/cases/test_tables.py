"""The usual label tables of this field: each is read for what it says, whatever its dialect."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

from medcnn.core.errors import MedcnnError
from tests.cases.outcome import NAMES, classed, numbered, outcome, table
from tests.reading.test_sheets import workbook

CSV = {"file": "*labels.csv", "image": "file", "label": "dx"}
TRUTH = {f"images/img{number:03}.png": NAMES[number % 2] for number in range(40)}


@pytest.mark.parametrize(
    "name",
    ["images\\img{:03}.png", "C:\\data\\images\\img{:03}.png", "./images/img{:03}.png", "set/images/img{:03}.png"],
)
def test_names_with_backslashes_and_other_leading_folders(tmp_path: Path, name: str) -> None:
    assert outcome(tmp_path, {**numbered(), "labels.csv": table(classed(name=name))}, csv=CSV).labels() == TRUTH


def test_names_without_suffix_in_several_folders(tmp_path: Path) -> None:
    images = {
        f"part_{1 + number // 20}/ISIC_{24300 + number:07}.jpg": data
        for number, data in enumerate(numbered(kind="JPEG").values())
    }
    rows = [
        ("lesion_id", "image_id", "dx"),
        *((f"HAM_{n // 2:07}", f"ISIC_{24300 + n:07}", ("nv", "mel")[n // 2 % 2]) for n in range(40)),
    ]
    csv = {"file": "*metadata.csv", "image": "image_id", "label": "dx", "group": "lesion_id"}
    found = outcome(tmp_path, {**images, "metadata.csv": table(rows)}, {"nv": "naevus", "mel": "melanoma"}, csv=csv)
    assert list(found.labels().values()) == [("naevus", "melanoma")[n // 2 % 2] for n in range(40)]
    assert (found.facts.patients, found.facts.without_patient) == (20, 0)


def test_padded_numbers_match_those_that_lost_their_zeros(tmp_path: Path) -> None:
    images = numbered(name="images/{:04}.png")
    csv = {**CSV, "image": "file"}
    found = outcome(tmp_path, {**images, "labels.csv": table(classed(name="{}"))}, csv=csv)
    assert list(found.labels().values()) == [NAMES[n % 2] for n in range(40)]


@pytest.mark.parametrize("one", ["1.0", "1", "True"])
def test_a_column_for_each_class(tmp_path: Path, one: str) -> None:
    names, zero = ("MEL", "NV", "BCC"), {"1.0": "0.0", "1": "0", "True": "False"}[one]
    rows = [
        ("image", *names),
        *((f"img{n:03}", *(one if n % 3 == place else zero for place in range(3))) for n in range(45)),
    ]
    csv = {"file": "*labels.csv", "image": "image", "columns": list(names)}
    found = outcome(
        tmp_path, {**numbered(45), "labels.csv": table(rows)}, {name: name.lower() for name in names}, csv=csv
    )
    assert list(found.labels().values()) == [("mel", "nv", "bcc")[n % 3] for n in range(45)]


def test_rows_that_repeat_an_image_and_agree_count_once(tmp_path: Path) -> None:
    header, *rows = classed()
    found = outcome(tmp_path, {**numbered(), "labels.csv": table([header, *rows, *rows[1::2]])}, csv=CSV)
    assert found.labels() == TRUTH


def test_an_image_whose_rows_contradict_each_other_is_not_used(tmp_path: Path) -> None:
    rows = [*classed(), ("img000.png", "malignant")]
    found = outcome(tmp_path, {**numbered(), "labels.csv": table(rows)}, csv=CSV)
    assert "images/img000.png" not in found.labels()
    assert found.warned("contradicting_rows").count == 1


@pytest.mark.parametrize(
    ("separator", "encoding"), [(";", "utf-8"), ("\t", "utf-8"), (",", "utf-8-sig"), (";", "cp1252")]
)
def test_dialects(tmp_path: Path, separator: str, encoding: str) -> None:
    rows = [(*row, "Züri" if place else "site") for place, row in enumerate(classed())]
    content = table(rows, separator).encode(encoding)
    assert outcome(tmp_path, {**numbered(), "labels.csv": content}, csv=CSV).labels() == TRUTH


@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_tables_that_are_no_text(tmp_path: Path, kind: str) -> None:
    header, *rows = classed()
    buffer = io.BytesIO()
    pd.DataFrame(rows, columns=list(map(str, header))).to_parquet(buffer)
    content = workbook([list(header), *map(list, rows)]) if kind == "xlsx" else buffer.getvalue()
    found = outcome(tmp_path, {**numbered(), f"labels.{kind}": content}, csv={**CSV, "file": f"*labels.{kind}"})
    assert found.labels() == TRUTH


def in_parts(names: list[str], header: str) -> dict[str, str | bytes]:
    """Images, and a table with a column of parts: three fifths in the first, a fifth in each of the others."""
    first, *rows = classed(60)
    rows = [(*first, header, "site"), *((*row, names[max(n // 2 % 5 - 2, 0)], "A") for n, row in enumerate(rows))]
    return {**numbered(60), "labels.csv": table(rows)}


PARTS = (["train"] * 3 + ["validation", "test"]) * 6
AUTHOR = {"kind": "author", "train": "train", "validation": "val", "test": "test", "folds": 3}


def test_a_column_that_names_the_part(tmp_path: Path) -> None:
    found = outcome(tmp_path, in_parts(["train", "val", "test"], "split"), split=AUTHOR, csv={**CSV, "split": "split"})
    assert found.rows["split"].tolist()[::2] == PARTS


@pytest.mark.parametrize(
    ("names", "header"),
    [(["train", "val", "test"], "split"), (["Training", "VALID", "test "], "fold"), (["0", "1", "2"], "set")],
)
def test_a_column_that_names_the_part_is_found(tmp_path: Path, names: list[str], header: str) -> None:
    patterns = dict(zip(("train", "validation", "test"), map(str.strip, names), strict=True))
    found = outcome(tmp_path, in_parts(names, header), split={**AUTHOR, **patterns}, csv=CSV)
    assert found.rows["split"].tolist()[::2] == PARTS
    note = found.doubt("parts_from_column")
    assert note is not None
    assert note.count == 60


def test_a_column_that_says_more_than_the_parts_is_not_taken_for_them(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match="matches no image"):
        outcome(tmp_path, in_parts(["train", "val", "test"], "split"), split={**AUTHOR, "validation": 0.2}, csv=CSV)


def test_a_table_for_each_part(tmp_path: Path) -> None:
    header, *rows = classed(60)
    split = {"kind": "author", "train": "train", "validation": "valid", "test": "test", "folds": 3}
    tables = {
        f"{name}.csv": table([header, *rows[slice(*of)]])
        for name, *of in (("train", 0, 36), ("valid", 36, 48), ("test", 48, 60))
    }
    found = outcome(tmp_path, {**numbered(60), **tables}, split=split, csv={**CSV, "file": "*.csv"})
    assert found.rows["split"].value_counts().to_dict() == {"train": 36, "validation": 12, "test": 12}


def test_a_row_of_another_length_is_refused_with_its_line(tmp_path: Path) -> None:
    rows = [(*row, "left, upper" if place == 7 else "left", "P1") for place, row in enumerate(classed())]
    with pytest.raises(MedcnnError, match="line 8"):
        outcome(tmp_path, {**numbered(), "labels.csv": table(rows)}, csv=CSV)
