"""Label tables in every form that people write them in."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd
from hypothesis import strategies as st

from tests.reading.test_sheets import workbook

if TYPE_CHECKING:
    from tests.fuzz.image_sets import Image

SPELLINGS = {
    "as it is": str,
    "without suffix": lambda path: path.partition(".")[0],
    "another suffix": lambda path: path.partition(".")[0] + ".dcm",
    "backslashes": lambda path: path.replace("/", "\\"),
    "file name": lambda path: path.rpartition("/")[2],
    "absolute": lambda path: "/home/me/" + path,
    "address": lambda path: "https://example.org/" + path,
    "drive": lambda path: "D:\\sets\\" + path.replace("/", "\\"),
    "no zeros": lambda path: path.replace("img00", "img"),
    "upper case": str.upper,
    "blanks around": lambda path: f" {path} ",
}
COLUMNS = (
    {"image": "image", "label": "label", "patient": "patient", "part": "split"},
    {"image": "Image Index", "label": "Finding Labels", "patient": "Patient ID", "part": "Set"},
    {"image": "filename", "label": "dx", "patient": "subject_id", "part": "partition"},
    {"image": "path", "label": "Diagnosis", "patient": "PatientID", "part": "subset"},
)
NOTES = ("", "x", "caf\u00e9", "1.5", "1,5", 'a "quoted" note', "two\nlines", "# no comment")
UNKNOWN = ("", "nan", "unknown", "-1")


@dataclass(frozen=True)
class Form:
    """How a label table is written; ``parted`` is how it says the author's parts: ``column``, ``tables`` or not."""

    kind: str
    delimiter: str
    encoding: str
    quoting: int
    end: str
    spelling: str
    columns: Mapping[str, str]
    note: str
    one_hot: bool
    parted: str
    patients: bool
    homes: bool
    index: bool
    absent: int
    faults: frozenset[str]

    @property
    def pattern(self) -> str:
        """Of the tables' names, below the folder of the images."""
        return f"*.{self.kind}" if self.parted == "tables" else f"labels.{self.kind}"

    def arguments(self, classes: Sequence[str], root: str) -> list[str]:
        """For ``medcnn init``: what the names of columns do not say."""
        return []


@st.composite
def forms(draw: st.DrawFn) -> Form:
    """Any form."""
    parted = draw(st.sampled_from(["", "column", "tables"]))
    return Form(
        kind=draw(st.sampled_from(["csv", "csv", "tsv", "txt", "xlsx", "parquet"])),
        delimiter=draw(st.sampled_from(",;\t|")),
        encoding=draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        end=draw(st.sampled_from(["\n", "\r\n"])),
        spelling=draw(st.sampled_from(list(SPELLINGS))),
        columns=draw(st.sampled_from(COLUMNS)),
        note=draw(st.sampled_from(NOTES)),
        one_hot=draw(st.booleans()),
        parted=parted,
        patients=draw(st.booleans()),
        homes=parted == "tables" and draw(st.booleans()),
        index=draw(st.booleans()),
        absent=draw(st.integers(0, 2)),
        faults=draw(
            st.frozensets(st.sampled_from(["no row", "no class", "torn", "repeated", "no patient"]), max_size=3)
        ),
    )


def said(draw: st.DrawFn, image: Image, parted: Mapping[str, str], form: Form) -> tuple[list[dict[str, str]], Image]:
    """The rows about an image, and the image as those rows leave it."""
    row = {"label": image.label, "patient": f"P{image.patient}", "part": parted[image.part]}
    fault = draw(st.sampled_from([*sorted(form.faults), *[""] * 12])) if form.faults else ""
    match fault:
        case "no row":
            return [], replace(image, aside=image.aside or "no row")
        case "no class":
            return [{**row, "label": "other"}], replace(image, aside=image.aside or "no class")
        case "torn":
            return [row, {**row, "label": "other"}], replace(image, aside=image.aside or "torn")
        case "repeated":
            return [row, row], image
        case "no patient":
            return [{**row, "patient": draw(st.sampled_from(UNKNOWN))}], replace(image, patient="")
    return [row], image


def written(
    form: Form, rows: Sequence[Mapping[str, str]], classes: Sequence[str], parted: Mapping[str, str]
) -> dict[str, bytes]:
    """The files of the tables by name."""
    missing = [{**rows[0], "path": f"missing/not{number}.png"} for number in range(form.absent)] if rows else []
    every = [*rows, *missing]
    if form.parted != "tables":
        return {f"labels.{form.kind}": _file(form, every, classes)}
    return {
        f"{name}.{form.kind}": _file(form, [row for row in every if row["part"] == name], classes)
        for name in parted.values()
    }


def _file(form: Form, rows: Sequence[Mapping[str, str]], classes: Sequence[str]) -> bytes:
    header, grid = _grid(form, rows, classes)
    if form.kind == "xlsx":
        return workbook([header, *[[_escaped(value) for value in row] for row in grid]])
    if form.kind == "parquet":
        file = io.BytesIO()
        pd.DataFrame(grid, columns=header, dtype=str).to_parquet(file)
        return file.getvalue()
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=form.delimiter, quoting=form.quoting, lineterminator=form.end)
    writer.writerows([header, *grid])
    return text.getvalue().encode(form.encoding)


def _escaped(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "&#10;")


def _grid(form: Form, rows: Sequence[Mapping[str, str]], classes: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    columns, spelt = form.columns, SPELLINGS[form.spelling]
    header = [*(["number"] if form.index else []), columns["image"], "remark"]
    header += classes if form.one_hot else [columns["label"]]
    header += [columns["patient"]] if form.patients else []
    header += [columns["part"]] if form.parted == "column" else []
    grid = []
    for place, row in enumerate(rows):
        cells = [str(place), spelt(row["path"]), form.note] if form.index else [spelt(row["path"]), form.note]
        cells += [str(int(row["label"] == name)) for name in classes] if form.one_hot else [row["label"]]
        cells += [row["patient"]] if form.patients else []
        cells += [row["part"]] if form.parted == "column" else []
        grid.append(cells)
    return header, grid
