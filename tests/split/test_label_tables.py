from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.params.labels import Csv
from medcnn.reading.archive import open_archive
from medcnn.split import label_tables
from medcnn.split.label_tables import Contents
from tests.conftest import zipped

FILES = [f"images/{number}.png" for number in range(8)]
HEAD = "image,label,patient\n"


def read(folder: Path, text: str | bytes, name: str = "labels.csv", **source: object) -> Contents:
    data = text if isinstance(text, bytes) else text.encode()
    members = {name: data, "__MACOSX/._labels.csv": b"\0", "masks/0.png": b"", **dict.fromkeys(FILES, b"")}
    with open_archive(zipped(folder / "raw.zip", members)) as archive:
        return label_tables.read(archive, FILES, Csv(**{"file": "*labels.csv"} | source), str.lower, "studies.x.csv")


def counts(found: Contents) -> dict[str, int]:
    return {doubt.kind: doubt.count for doubt in found.doubts}


def rows(*names: str) -> str:
    return HEAD + "".join(f"{name},A,P{number}\n" for number, name in enumerate(names))


def test_rows_of_images_that_are_not_there_are_counted(tmp_path: Path) -> None:
    found = read(tmp_path, rows("0.png", "1.png", "77.png", "masks/0.png"))
    assert found.rows.index.tolist() == [0, 1]
    assert counts(found) == {"rows_without_image": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (rows("x.png", "y.png"), r"0 of 2 rows of labels\.csv name an image: column image has 'x\.png', .* 'images/0"),
        ("image,label,file\nA,x,0.png\nB,y,1.png\n", r"column file does: set csv\.image to it"),
        ("name,label\n0.png,x\n", r"no column 'image'; it has name, label"),
        (rows("0.png")[:-4] + "\n", r"labels\.csv cannot be read: line 2: 2 values for 3 columns"),
    ],
)
def test_a_table_of_other_images_or_columns_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(MedcnnError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_no_table_names_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match=r"'none\.csv' matches 0 files; .*labels\.csv"):
        read(tmp_path, HEAD, file="none.csv")


def test_the_form_of_a_table_is_noted(tmp_path: Path) -> None:
    assert counts(read(tmp_path, rows("0.png").replace(",", ";").encode("utf-16"))) == {"table_form": 1}


def test_patients_and_parts_come_from_columns(tmp_path: Path) -> None:
    text = "image,label,patient,set\n0,A, P1 ,train\n1,B,nan,\n"
    found = read(tmp_path, text, group="patient", split="set").rows
    assert found[["label", "patient", "part"]].to_numpy().tolist() == [["a", "P1", "train"], ["b", "", ""]]


def test_columns_of_a_table_without_a_header_are_named_by_their_place(tmp_path: Path) -> None:
    text = "p1 0.png benign\np2 1.png malignant\n"
    found = read(tmp_path, text, image="#2", label="#3", group="#1").rows
    assert found[["label", "patient"]].to_numpy().tolist() == [["benign", "p1"], ["malignant", "p2"]]


def test_columns_of_classes(tmp_path: Path) -> None:
    found = read(tmp_path, "image,MEL,NV\n0,1.0,0.0\n1,0,1\n2,1,1\n", columns=("MEL", "NV"))
    assert found.rows["label"].tolist() == ["mel", "nv", ""]
    assert counts(found) == {"names_matched_loosely": 3, "rows_without_one_class": 1}
