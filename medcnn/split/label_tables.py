"""What label tables say of the files of the raw data: the value, patient and part of each."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from medcnn.core import tables
from medcnn.core.arrays import Integers
from medcnn.core.errors import MedcnnError
from medcnn.dataset.doubts import SHOWN, Doubt
from medcnn.grouping.missing import blanked
from medcnn.params.labels import Csv
from medcnn.reading.archive import Archive
from medcnn.reading.names import is_of_system, matches
from medcnn.reading.sheets import PLAIN, Sheet, read_sheet
from medcnn.split import agreeing, one_hot
from medcnn.split.matching import matched

_FEW = 0.05
"""The share of rows below which a table seems to be of other images, unless half of the images have a row."""


_BY_PLACE = re.compile(r"#[1-9]\d*")
"""A column of a table without a header."""


@dataclass(frozen=True)
class Contents:
    """What label tables say.

    Attributes:
        rows: one row per file that they list, by its position: ``value`` that classes are matched with, its ``label``,
            ``patient``, ``part``, and the ``reason`` why there is no value; '' for what they do not say.
        cells: all columns of the tables, in the same order; of several rows for a file the first.
        doubts: about the tables.
    """

    rows: pd.DataFrame
    cells: pd.DataFrame
    doubts: tuple[Doubt, ...]


NOTHING = Contents(
    pd.DataFrame(columns=["value", "label", "patient", "part", "reason"], dtype=tables.TEXT), pd.DataFrame(), ()
)
"""Where there is no table."""


def read(
    archive: Archive,
    files: Sequence[str],
    source: Csv,
    class_of: Callable[[str], str],
    where: str,
    multi_label: bool = False,
) -> Contents:
    """Read the label tables of a study and find the files that they name.

    Args:
        archive: the raw data.
        files: those of its files that may hold pictures and are not excluded.
        source: which tables there are, and what their columns mean.
        class_of: the class of a value, by which rows of one image are compared.
        where: the key path of ``csv``, for messages.
        multi_label: whether an image may have several findings.

    Raises:
        MedcnnError: no table, one that cannot be read or lacks a column, rows that name other files or no certain one.
    """
    if source.file is None:
        return NOTHING
    names, offered = archive.names(), pd.Series(list(files), dtype=tables.TEXT)
    others = pd.Series(sorted(set(names) - set(files)), dtype=tables.TEXT)
    sheets = {name: _sheet(archive, name, source, where) for name in _tables(names, source, where)}
    found = [_matched(name, sheet, offered, others, source, len(sheets) > 1, where) for name, sheet in sheets.items()]
    cells = pd.concat([sheet.rows for sheet in sheets.values()], ignore_index=True).fillna("")
    values, reasons = _values(cells, source, multi_label, where)
    rows = pd.DataFrame({
        "file": np.concatenate([each.files for each in found]),
        "value": values,
        "label": values.map({value: class_of(value) for value in values.unique()}).astype(tables.TEXT),
        "patient": blanked(cells[source.group]) if source.group else "",
        "part": _parts(cells, sheets, source),
        "reason": reasons,
    })  # fmt: skip
    rows = rows[rows["file"] >= 0]
    single, disagreements = agreeing.one_each(rows, offered)
    cells = cells.loc[rows.index[~rows["file"].duplicated()]].set_axis(single.index)
    doubts = (*_forms(sheets), *(doubt for each in found for doubt in each.doubts), *_unclear(rows), *disagreements)
    return Contents(single, cells, doubts)


@dataclass(frozen=True)
class _Found:
    files: Integers
    doubts: tuple[Doubt, ...]


def _tables(names: Sequence[str], source: Csv, where: str) -> list[str]:
    found = [name for name in names if matches(name, source.file or "") and not is_of_system(name)]
    if not found:
        others = [name for name in names if name.lower().endswith((".csv", ".tsv", ".xlsx", ".parquet"))]
        some = f"; tables found: {', '.join(others[:SHOWN])}" if others else ""
        raise MedcnnError(f"{where}.file: '{source.file}' matches 0 files; fix the pattern{some}")
    return found


def _sheet(archive: Archive, name: str, source: Csv, where: str) -> Sheet:
    label = source.columns or (source.label,)
    needed = [column for column in (source.image, *label, source.group, source.split) if column]
    try:
        sheet = read_sheet(archive.read(name), header=not all(map(_BY_PLACE.fullmatch, needed)))
    except ValueError as error:
        raise MedcnnError(f"{where}: {name} cannot be read: {error}; correct it") from error
    absent = next((column for column in needed if column not in sheet.rows), None)
    if absent is not None:
        header = ", ".join(map(str, sheet.rows))
        raise MedcnnError(f"{where}: {name} has no column '{absent}'; it has {header}")
    return sheet


def _matched(
    table: str, sheet: Sheet, files: pd.Series[str], others: pd.Series[str], source: Csv, several: bool, where: str
) -> _Found:
    """The file of each row of a table; rows of files that the study excludes are left out without a word."""
    names = sheet.rows[source.image]
    found = matched(names, files, _homes(table, several))
    if found.ambiguous:
        (name, file), *_ = found.ambiguous
        other = next(pair for pair in found.ambiguous[1:] if pair != (name, file))
        meant = (
            f"{name}, which could be {file} or {other[1]}"
            if other[0] == name
            else f"{name} and {other[0]}, both like {file}"
        )
        raise MedcnnError(f"{where}: {table} lists {meant}; name images by their path, or exclude one")
    absent = names[found.files < 0]
    absent = absent[matched(absent, others).files < 0]
    hit = len(names) - len(absent)
    if hit < _FEW * len(names) and 2 * len(np.unique(found.files[found.files >= 0])) < len(files):
        raise MedcnnError(f"{where}: {_why_few(table, sheet, files, source, hit)}")
    return _Found(found.files, (*_loosely(table, found.loosely), *_absent(table, absent, len(names))))


def _homes(table: str, several: bool) -> list[str]:
    """Folders in which the images of one of several tables may be: its own, and those that its name names."""
    path = PurePosixPath(table)
    own = [path.parent.as_posix()] if path.parent.name else []
    return [*own, path.stem, *re.split(r"[\W_]+", path.stem)] if several else []


def _why_few(table: str, sheet: Sheet, files: pd.Series[str], source: Csv, hit: int) -> str:
    sample = sheet.rows.head(200)
    better = {str(column): int((matched(sample[column], files).files >= 0).sum()) for column in sample}
    best = max(better, key=lambda column: better[column])
    cure = (
        f"column {best} does: set csv.image to it"
        if best != source.image and better[best] > len(sample) / 2
        else "fix csv.image, or the source"
    )
    return (
        f"{hit} of {len(sheet.rows)} rows of {table} name an image: column {source.image} has "
        f"'{sheet.rows[source.image].iloc[0]}', and the raw data '{files.iloc[0]}'; {cure}"
    )


def _loosely(table: str, found: dict[str, int]) -> Iterator[Doubt]:
    for how, count in found.items():
        yield Doubt("note", "names_matched_loosely", f"{table}: {count} names of images match {how}", count)


def _absent(table: str, absent: pd.Series[str], total: int) -> Iterator[Doubt]:
    if len(absent):
        text = (
            f"{table}: {len(absent)} of {total} rows name images that the raw data does not hold, such as "
            f"'{absent.iloc[0]}'; check that none is missing"
        )
        yield Doubt("warning", "rows_without_image", text, len(absent), tuple(absent.iloc[:SHOWN]))


def _forms(sheets: dict[str, Sheet]) -> Iterator[Doubt]:
    for name, sheet in sheets.items():
        if sheet.form != PLAIN:
            yield Doubt("note", "table_form", f"{name}: {sheet.form}", len(sheet.rows))
    if len(sheets) > 1:
        text = f"labels come from {len(sheets)} tables together: {', '.join(list(sheets)[:SHOWN])}"
        yield Doubt("note", "several_tables", text, len(sheets), tuple(list(sheets)[:SHOWN]))


def _unclear(rows: pd.DataFrame) -> Iterator[Doubt]:
    """Rows whose columns name no class, or several."""
    for reason, count in rows["reason"][rows["reason"] != ""].value_counts().items():
        text = f"{count} rows of the label tables are set aside: {reason}"
        yield Doubt("warning", "rows_without_one_class", text, int(count))


def _values(cells: pd.DataFrame, source: Csv, multi_label: bool, where: str) -> tuple[pd.Series[str], pd.Series[str]]:
    """The value of each row, and why it has none."""
    if source.columns and multi_label:
        return one_hot.findings(cells[list(source.columns)], source.separator, f"{where}.columns")
    if source.columns:
        return one_hot.values(cells[list(source.columns)], f"{where}.columns")
    return cells[source.label], pd.Series("", cells.index, dtype=tables.TEXT)


def named_parts(names: Sequence[str]) -> list[str]:
    """The parts that several tables are: their paths without suffix, below the folder that they share."""
    top = posixpath.commonpath([posixpath.dirname(name) for name in names])
    return [posixpath.relpath(posixpath.splitext(name)[0], top or ".") for name in names]


def _parts(cells: pd.DataFrame, sheets: dict[str, Sheet], source: Csv) -> pd.Series[str]:
    """What the tables say of the author's part: a column, or the name of one of several tables."""
    if source.split:
        return cells[source.split].str.strip()
    which = np.repeat(named_parts(list(sheets)), [len(sheet.rows) for sheet in sheets.values()])
    return pd.Series(which if len(sheets) > 1 else "", cells.index, dtype=tables.TEXT)
