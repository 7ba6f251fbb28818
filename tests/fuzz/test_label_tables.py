"""Label tables as people write them, against what their generator meant."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medcnn.core.errors import MedcnnError
from medcnn.params.labels import Csv, Labels
from medcnn.params.splits import StratifiedSplit
from medcnn.reading.archive import open_archive
from medcnn.split import labelling
from tests.conftest import zipped
from tests.fuzz.mutating import bounded

LABELS = ("ill", "well")
FOLDERS = ("", "images/", "set/part_1/", "a b/")
SPELLINGS = {
    "as it is": str,
    "without suffix": lambda path: path.rpartition(".")[0],
    "another suffix": lambda path: path.rpartition(".")[0] + ".DCM",
    "backslashes": lambda path: path.replace("/", "\\"),
    "file name": lambda path: path.rpartition("/")[2],
    "absolute": lambda path: "/home/me/" + path,
    "address": lambda path: "https://example.org/" + path,
    "drive": lambda path: "D:\\sets\\" + path.replace("/", "\\"),
    "no zeros": lambda path: path.replace("im00", "im"),
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252")


@st.composite
def sets(draw: st.DrawFn) -> dict[str, Any]:
    """A set of images and its table: the truth about each image, and how the table is written."""
    folder = draw(st.sampled_from(FOLDERS))
    count = draw(st.integers(2, 12))
    paths = [f"{folder}im{number:03}.png" for number in range(1, count + 1)]
    truth = {path: draw(st.sampled_from(LABELS)) for path in paths}
    truth[paths[0]], truth[paths[1]] = LABELS
    return {
        "truth": truth,
        "patients": {path: draw(st.sampled_from(["P1", "P2", "nan", "", "-1"])) for path in paths},
        "spelling": draw(st.sampled_from(list(SPELLINGS))),
        "delimiter": draw(st.sampled_from(",;\t|")),
        "encoding": draw(st.sampled_from(ENCODINGS)),
        "end": draw(st.sampled_from(["\n", "\r\n"])),
        "one_hot": draw(st.booleans()),
        "repeats": draw(st.lists(st.sampled_from(paths), max_size=3)),
        "note": draw(st.sampled_from(["", "x", "caf\u00e9", "1{}2", '"quoted{}note"'])),
        "dropped": draw(st.booleans()),
    }


def written(one: dict[str, Any]) -> bytes:
    delimiter, columns = one["delimiter"], [*LABELS] if one["one_hot"] else ["label"]
    lines = [delimiter.join(["image", "note", *columns, "patient"])]
    for path in [*one["truth"], *one["repeats"]]:
        label = one["truth"][path]
        values = [str(int(label == name)) for name in LABELS] if one["one_hot"] else [label]
        note = one["note"].format(delimiter if one["note"].startswith('"') else ".")
        lines.append(delimiter.join([SPELLINGS[one["spelling"]](path), note, *values, one["patients"][path]]))
    return (one["end"].join(lines) + one["end"]).encode(one["encoding"])


def listing(one: dict[str, Any], data: bytes, folder: str) -> labelling.Listing:
    source = Csv(file="labels.csv", group="patient", columns=LABELS if one["one_hot"] else ())
    labels = Labels(classes={name: name for name in LABELS}, csv=source)
    members = {"labels.csv": data, **dict.fromkeys(one["truth"], b"")}
    with open_archive(zipped(Path(folder) / "raw.zip", members)) as archive:
        return labelling.listed(archive, labels, StratifiedSplit(), "studies.x")


@bounded(150)
@given(sets())
def test_a_table_means_what_its_maker_meant(one: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = listing(one, written(one), folder).rows.set_index("path")
    assert rows["label"].to_dict() == one["truth"]
    known = {path: name if name.startswith("P") else "" for path, name in one["patients"].items()}
    assert rows["patient"].to_dict() == known


@bounded(150)
@given(sets(), st.data())
def test_a_damaged_table_ends_in_a_right_answer_or_in_one_line(one: dict[str, Any], data: st.DataObject) -> None:
    table = bytearray(written(one))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(table) - 1))
        table[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with tempfile.TemporaryDirectory() as folder:
        try:
            rows = listing(one, bytes(table), folder).rows
        except MedcnnError as error:
            assert "\n" not in str(error)
        else:
            assert set(rows["label"]) <= {*LABELS, ""}


def test_a_row_with_a_comma_too_many_is_refused_with_its_line() -> None:
    one = {"truth": {"1.png": "ill", "2.png": "well"}, "one_hot": False}
    data = b"image,label,patient\n1.png,ill,P1\n2.png,well, upper,P2\n"
    with tempfile.TemporaryDirectory() as folder, pytest.raises(MedcnnError, match="line 3: 4 values"):
        listing(one, data, folder)
