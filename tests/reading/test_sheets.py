from __future__ import annotations

import io
import zipfile
from datetime import date

import pandas as pd
import pytest

from medcnn.reading.sheets import PLAIN, first_row, read_sheet

ROWS = {"file": ["a.png", "b.png"], "dx": ["caf\u00e9", "1,5"]}
TEXT = 'file;dx\na.png;caf\u00e9\n\nb.png;"1,5"\n'


def workbook(rows: list[list[object]], empty_first: bool = False) -> bytes:
    """The least that a reader of .xlsx needs."""
    head = '<?xml version="1.0"?>'
    space = "http://schemas.openxmlformats.org"
    sheets = [[], rows] if empty_first else [rows]
    names = "".join(f'<sheet name="S{n}" sheetId="{n + 1}" r:id="r{n}"/>' for n in range(len(sheets)))
    links = "".join(
        f'<Relationship Id="r{n}" Type="{space}/officeDocument/2006/relationships/worksheet" '
        f'Target="worksheets/s{n}.xml"/>'
        for n in range(len(sheets))
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", f'{head}<Types xmlns="{space}/package/2006/content-types"/>')
        archive.writestr(
            "_rels/.rels",
            f'{head}<Relationships xmlns="{space}/package/2006/relationships"><Relationship Id="w" '
            f'Type="{space}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>'
            "</Relationships>",
        )
        archive.writestr(
            "xl/workbook.xml",
            f'{head}<workbook xmlns="{space}/spreadsheetml/2006/main" '
            f'xmlns:r="{space}/officeDocument/2006/relationships"><sheets>{names}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'{head}<Relationships xmlns="{space}/package/2006/relationships">{links}</Relationships>',
        )
        for n, sheet in enumerate(sheets):
            cells = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in sheet)
            archive.writestr(
                f"xl/worksheets/s{n}.xml",
                f'{head}<worksheet xmlns="{space}/spreadsheetml/2006/main"><sheetData>{cells}</sheetData></worksheet>',
            )
    return buffer.getvalue()


def cell(value: object) -> str:
    if isinstance(value, (int, float)):
        return f"<c><v>{value}</v></c>"
    return f'<c t="inlineStr"><is><t>{value}</t></is></c>'


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1"])
def test_a_table_is_the_same_in_every_dialect(delimiter: str, encoding: str) -> None:
    sheet = read_sheet(TEXT.replace(";", delimiter).encode(encoding))
    assert sheet.rows.to_dict("list") == ROWS
    assert (sheet.form == PLAIN) == (delimiter == "," and encoding.startswith("utf-8"))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_quotes_and_the_line_that_excel_writes_first(end: str) -> None:
    sheet = read_sheet(f'sep=;\nfile ; note\na.png;"one{"; "}two"\nb.png;\n'.replace("\n", end).encode())
    assert sheet.rows.to_dict("list") == {"file": ["a.png", "b.png"], "note": ["one; two", ""]}


def test_a_table_without_a_header_has_numbered_columns() -> None:
    data = b"a.png 0 0\nb.png 1 0\n"
    sheet = read_sheet(data, header=False)
    assert (first_row(data), list(sheet.rows)) == (["a.png", "0", "0"], ["#1", "#2", "#3"])
    assert sheet.rows.to_numpy().tolist() == [["a.png", "0", "0"], ["b.png", "1", "0"]]
    assert sheet.form == "blanks, UTF-8, no header"


def test_blanks_within_values_separate_nothing() -> None:
    assert list(read_sheet(b"file,what it is\na b.png,no finding here\n").rows) == ["file", "what it is"]


def test_words_and_numbers_stay_as_they_are_written() -> None:
    sheet = read_sheet(b"id,x,,\nNA,007,,\nnull,1.0,,z\n")
    assert sheet.rows.to_dict("list") == {"id": ["NA", "null"], "x": ["007", "1.0"]}


def test_what_would_break_a_line_is_spelled_out() -> None:
    assert read_sheet(b'a,b\n"x\ny",5\x1b\n').rows.to_dict("list") == {"a": ["x\\ny"], "b": ["5\\x1b"]}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,b\n1,2\n\n3,4,5\n", "line 4: 3 values for 2 columns"),
        (b"a;b\n1;2\n3\n", "line 3: 1 values for 2 columns"),
        (b'a,b\n1,"2\n3"\n4\n', "line 4: 1 values"),
        (b"a\tb\n1\t2\t3\n4\t5\t6\n", "line 2: 3 values"),
        (b"a,a \n1,2\n", "one name"),
        (b"", "mpty"),
        (b"a,b\n\0\1\2", "zero bytes"),
        (b"\xff\xfea", "UTF-16"),
        (b"  <!doctype html><html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "LFS"),
        (b"PK\x03\x04" + bytes(50), "workbook"),
        (b"\xd0\xcf\x11\xe0" + bytes(50), "workbook"),
        (b"PAR1" + bytes(50), "Parquet"),
    ],
)
def test_what_is_not_a_whole_table_is_refused_with_its_reason(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        read_sheet(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("empty_first", [False, True])
def test_a_workbook(empty_first: bool) -> None:
    sheet = read_sheet(workbook([["file", "n", "x"], ["a.png", 7.0, 1.5], ["b.png", 12, "y"]], empty_first))
    assert sheet.rows.to_dict("list") == {"file": ["a.png", "b.png"], "n": ["7", "12"], "x": ["1.5", "y"]}
    assert "workbook" in sheet.form


def test_parquet() -> None:
    table = pd.DataFrame({
        "file": ["a", "b"], "n": [7.0, 8.0], "x": [1.5, None], "c": pd.Categorical(["u", "v"]), "i": [{"b": b"1"}] * 2,
        "d": [date(2020, 1, 2)] * 2, "t": [True, False],
    })  # fmt: skip
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    assert read_sheet(buffer.getvalue()).rows.to_dict("list") == {
        "file": ["a", "b"], "n": ["7", "8"], "x": ["1.5", ""], "c": ["u", "v"], "d": ["2020-01-02"] * 2,
        "t": ["true", "false"],
    }  # fmt: skip
