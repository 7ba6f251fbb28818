"""Tables that people bring: CSV in the usual dialects, Excel and Parquet, all of their values as text."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import compute
from pyarrow import parquet as arrow_parquet

from medcnn.core import tables
from medcnn.reading.archive import READ_LIMIT
from medcnn.reading.names import UNPRINTABLE, printable

PLAIN = "commas, UTF-8"
"""The form of a CSV that needs no word."""

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_BLANKS = "blanks"
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_ENCODINGS = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1252": "Windows-1252"}
_OTHERS = {
    b"<": "a web page",
    b"version https://git-lfs": "a Git LFS pointer, not the file itself",
    b"\x1f\x8b": "gzip",
}
_SAMPLE = 1 << 16
_SAMPLED_ROWS = 100
_MOST_CELLS = 50_000_000


@dataclass(frozen=True)
class Sheet:
    """A table as it was found in a file.

    Attributes:
        rows: all values as text, '' for an empty cell; blanks around the names of columns are gone.
        form: how it was written, such as ``semicolons, UTF-16``; ``PLAIN`` for the usual CSV.
    """

    rows: pd.DataFrame
    form: str


def read_sheet(data: bytes, header: bool = True) -> Sheet:
    """Read a table, recognised by its content whatever its suffix.

    Args:
        data: the bytes of a CSV (commas, semicolons, tabs, vertical bars, or else blanks; UTF-8, UTF-16 or
            Windows-1252), of an Excel or OpenDocument workbook, whose first sheet that is not empty counts, or of a
            Parquet file.
        header: whether the first row names the columns; where it does not, those of a CSV are ``#1``, ``#2``, ...

    Raises:
        ValueError: it is empty or none of these, a row is longer or shorter than the header, or two columns have one
            name; the text names the line.
    """
    other = next((what for start, what in _OTHERS.items() if data.lstrip().startswith(start)), None)
    if other is not None:
        raise ValueError(f"it is {other}")
    if data.startswith(b"PAR1"):
        sheet = _parquet(data)
    elif data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        sheet = _workbook(data)
    else:
        sheet = _text(data, header)
    rows = sheet.rows.rename(columns=lambda name: printable(str(name)).strip())
    _check_header(list(rows.columns))
    return Sheet(rows.apply(_one_line) if len(rows) else rows, sheet.form)


def first_row(data: bytes) -> list[str]:
    """The cells of the first row of a CSV; none of another file, or of one that cannot be read."""
    if data.startswith((b"PAR1", b"PK", b"\xd0\xcf\x11\xe0")):
        return []
    try:
        text, _ = _decoded(data)
        return _cells(text, _delimiter(text))
    except ValueError:
        return []


def _cells(text: str, delimiter: str) -> list[str]:
    """Those of the first row; none where quotes are broken."""
    try:
        return next(csv.reader(io.StringIO(text[:_SAMPLE], newline=""), delimiter=delimiter), [])
    except csv.Error:
        return []


def _text(data: bytes, header: bool) -> Sheet:
    text, encoding = _decoded(data)
    named = re.match(r"sep=(.)(\r\n|\r|\n)", text)
    delimiter = named[1] if named else _delimiter(text)
    # An empty line in its place keeps the numbers of lines, and is read past.
    content = text[len(named[0]) - 1 :] if named else text
    written = _BLANKS if delimiter == " " else _DELIMITERS.get(delimiter, delimiter)
    form = f"{written}, {_ENCODINGS.get(encoding, encoding)}"
    if not header:
        names = (f"#{place + 1}" for place in range(len(_cells(text, delimiter))))
        content, form = f"{delimiter.join(names)}\n{content}", f"{form}, no header"
    return Sheet(tables.parse(content.encode(), delimiter), form)


def _decoded(data: bytes) -> tuple[str, str]:
    """The text of a CSV and its encoding; what is not UTF-8 or UTF-16 is taken for Western European."""
    marked = next((bom for bom in _BOMS if data.startswith(bom)), b"")
    encoding = _BOMS.get(marked) or _utf16_by_zeros(data[:_SAMPLE]) or "utf-8"
    try:
        text = data[len(marked) :].decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8" or marked:
            raise ValueError(f"it is not whole {_ENCODINGS[encoding]}") from error
        encoding = "cp1252"
        text = data.decode(encoding, "replace")
    if "\0" in text:
        raise ValueError("it is not text: it holds zero bytes")
    return text, encoding


def _utf16_by_zeros(data: bytes) -> str:
    """UTF-16 without a mark, by the zeros beside each Latin letter; '' for anything else."""
    for encoding, zeros in (("utf-16-le", data[1::2]), ("utf-16-be", data[::2])):
        if zeros and zeros.count(0) > 0.9 * len(zeros):
            return encoding
    return ""


def _delimiter(text: str) -> str:
    """The one that gives most rows the length of the header; of equal ones the one that makes more columns.

    Blanks are in many names and labels, so that they count where nothing else makes two columns.
    """
    regularity = {delimiter: _regularity(text[:_SAMPLE], delimiter) for delimiter in (*_DELIMITERS, " ")}
    best = max(_DELIMITERS, key=lambda delimiter: regularity[delimiter])
    return " " if regularity[best] == (0, 0) < regularity[" "] and regularity[" "][0] == 1 else best


def _regularity(sample: str, delimiter: str) -> tuple[float, int]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    try:
        widths = [len(row) for row in islice(reader, _SAMPLED_ROWS) if row]
    except csv.Error:
        return 0, 0
    if not widths or widths[0] < 2:
        return 0, 0
    if len(sample) == _SAMPLE and len(widths) > 1:
        del widths[-1]  # It may be cut.
    return widths.count(widths[0]) / len(widths), widths[0]


def _workbook(data: bytes) -> Sheet:
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError as error:
        raise ValueError("it is a workbook, and reading it needs a package: pip install python-calamine") from error
    try:
        _check_unpacked_size(data)
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = book.sheet_names
        sheet = next((found for name in names if (found := book.get_sheet_by_name(name)).height), None)
    except (CalamineError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"it is not a workbook that can be read ({error})") from error
    if sheet is None:
        raise ValueError("it is an empty workbook")
    if sheet.height * sheet.width > _MOST_CELLS:
        raise ValueError(f"it has {sheet.height * sheet.width} cells, more than {_MOST_CELLS}")
    rows = ([_cell(value) for value in row] for row in sheet.iter_rows())
    return Sheet(_framed(rows), f"workbook, sheet '{sheet.name}' of {len(names)}")


def _check_unpacked_size(data: bytes) -> None:
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as members:
            size = sum(member.file_size for member in members.infolist())
        if size > READ_LIMIT:
            raise ValueError(f"it unpacks to {size} bytes, more than {READ_LIMIT} allowed")


def _framed(rows: Iterator[list[str]]) -> pd.DataFrame:
    """The named columns of a grid whose first row that is not empty is the header; empty rows are left out."""
    filled = (row for row in rows if any(row))
    header = next(filled, [])
    places = [place for place, name in enumerate(header) if name.strip()]
    _check_header([header[place] for place in places])
    return tables.collected((tuple(row[place] for place in places) for row in filled), {header[p]: str for p in places})


def _cell(value: Any) -> str:
    """A cell as text; workbooks know numbers with a point only, so that 7 comes as 7.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _parquet(data: bytes) -> Sheet:
    try:
        file = arrow_parquet.ParquetFile(io.BytesIO(data))
        if file.metadata.num_rows * max(file.metadata.num_columns, 1) > _MOST_CELLS:
            raise ValueError(f"it has {file.metadata.num_rows} rows, more than can be labels")
        columns = [field.name for field in file.schema_arrow if not _is_nested(field.type)]
        found = file.read(columns=columns, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"it is not a Parquet file that can be read ({str(error).splitlines()[0]})") from error
    table = pa.table({name: _as_text(found[name]) for name in columns})
    return Sheet(table.to_pandas(types_mapper={pa.large_string(): tables.TEXT}.get), "Parquet")


def _is_nested(kind: pa.DataType) -> bool:
    return pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    values = column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
    if pa.types.is_floating(values.type) and compute.all(compute.equal(values, compute.round(values))).as_py():
        values = values.cast(pa.int64())
    return values.cast(pa.large_string()).fill_null("")


def _check_header(names: Sequence[str]) -> None:
    repeated = next((name for name in names if names.count(name) > 1), None)
    if not names:
        raise ValueError("it is empty")
    if repeated is not None:
        raise ValueError(f"two of the columns {', '.join(names)} have one name")


def _one_line(column: pd.Series[str]) -> pd.Series[str]:
    """The column with what would break a line spelled out."""
    if not column.str.contains(UNPRINTABLE.pattern, regex=True).any():
        return column
    return column.map(printable).astype(tables.TEXT)
