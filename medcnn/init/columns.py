"""What the label tables of an image set say: which column names images, classes, patients and parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from glob import escape
from itertools import islice
from typing import Any

import pandas as pd

from medcnn.core import tables
from medcnn.core.errors import ParamsError
from medcnn.dataset.manifest import SPLITS
from medcnn.init import words
from medcnn.params.shared.classes import SEPARATOR
from medcnn.reading.archive import Archive
from medcnn.reading.names import is_of_system, matches
from medcnn.reading.sheets import first_row, read_sheet
from medcnn.split.label_tables import named_parts
from medcnn.split.matching import matched

SUFFIXES = (".csv", ".tsv", ".txt", ".xlsx", ".parquet")
_MOST = 20
"""Tables that are opened."""
_LARGEST = 64 << 20
_SAMPLE = 200
"""Rows by which a column is known."""
_NAMED = 0.5
"""The share of a column's names that must be those of files."""
_MOST_CLASSES = 30
_SHOWN = 3
_UNCERTAIN = {"-1", "-1.0"}
_ONE = {"1", "1.0", "true", "yes"}
_BINARY = {"0", "0.0", "false", "no", ""} | _ONE | _UNCERTAIN
_SEVERAL = 0.01
"""The share of rows with more than one class from which these are findings, and not a mistake."""
_SEPARATORS = (SEPARATOR, ";", ",")


@dataclass(frozen=True)
class Asked:
    """What the user says of a table; empty where it is to be found out.

    Attributes:
        file: pattern of its path.
        image: column of image names.
        label: column of classes.
        columns: one column for each class.
        patient: column of patients.
    """

    file: str = ""
    image: str = ""
    label: str = ""
    columns: tuple[str, ...] = ()
    patient: str = ""

    def __bool__(self) -> bool:
        return any((self.file, self.image, self.label, self.columns, self.patient))


@dataclass(frozen=True)
class Table:
    """The label table of a set, or several of one kind.

    Attributes:
        csv: the block ``labels.csv``, as far as it differs from the usual values.
        values: what classes are matched with, sorted.
        parts: what each part is called, by part; empty where no column and no file says it.
        parts_from: what the column of parts, or the files, are called in words.
        findings: whether an image may be of several classes.
    """

    csv: dict[str, Any]
    values: list[str]
    parts: dict[str, str] = field(default_factory=dict)
    parts_from: str = ""
    findings: bool = False

    @property
    def origin(self) -> str:
        """Where the classes come from, in words."""
        if "columns" in self.csv:
            return f"from columns of {self.csv['file']}, one for each class"
        joined = f", joined by '{self.csv.get('separator', SEPARATOR)}'" if self.findings else ""
        return f"from column {self.csv['label']} of {self.csv['file']}{joined}"


def found(archive: Archive, images: Sequence[str], asked: Asked) -> Table | None:
    """The table whose rows name the most images and say their classes; None where there is none.

    Raises:
        ParamsError: a table cannot be read, the table or a column that the user names is not there, or several columns
            may be the class.
    """
    offered = pd.Series(list(images), dtype=tables.TEXT)
    kinds: defaultdict[tuple[str, ...], dict[str, pd.DataFrame]] = defaultdict(dict)
    for name, rows in _opened(archive, offered, asked):
        kinds[tuple(rows.columns)][name] = rows
    several = sorted(kinds.values(), key=lambda sheets: -sum(map(len, sheets.values())))
    candidates = (_of(sheets, offered, asked) for sheets in several)
    table = next(filter(None, candidates), None)
    if table is None and asked:
        raise ParamsError(
            f"no table{f' like {asked.file}' if asked.file else ''} names the images and their classes in the columns "
            "that --image and --label give; look at its header"
        )
    return table


def seen(archive: Archive) -> str:
    """The tables of an archive, none of which was found to list images, and their columns, for messages."""
    said = (f"{name} ({', '.join(map(str, rows))})" for name, rows in _opened(archive, pd.Series(dtype=str), Asked()))
    some = "; ".join(islice(said, _SHOWN))
    return f"; tables: {some}" if some else ""


def _opened(archive: Archive, images: pd.Series[str], asked: Asked) -> Iterator[tuple[str, pd.DataFrame]]:
    """The label tables; one whose first row names an image has no header, and its columns are ``#1``, ``#2``, ..."""
    names = [name for name in archive.names() if name.lower().endswith(SUFFIXES) and not is_of_system(name)]
    wanted = [name for name in names if not asked.file or matches(name, asked.file)]
    for name in wanted[:_MOST]:
        if archive.size(name) > _LARGEST:
            continue
        try:
            data = archive.read(name)
            first = pd.Series(first_row(data), dtype=tables.TEXT)
            yield name, read_sheet(data, header=not (matched(first, images).files >= 0).any()).rows
        except ValueError as error:
            if asked.file or not name.lower().endswith(".txt"):
                raise ParamsError(f"{name} cannot be read: {error}; correct it") from error


def _of(sheets: dict[str, pd.DataFrame], images: pd.Series[str], asked: Asked) -> Table | None:
    rows = pd.concat(sheets.values(), ignore_index=True)
    image = asked.image or _image_column(rows, images)
    if image is None or image not in rows:
        return None
    others = [str(column) for column in rows if column != image]
    split, parts = _split(rows, others, sheets)
    patient = asked.patient or _patient(rows, others)
    rest = [column for column in others if column not in (split, patient)]
    columns, several = (list(asked.columns), False) if asked.columns else _one_hot(rows, rest, asked)
    label = "" if columns else asked.label or _label(rows, rest)
    if any(column not in rows for column in (*columns, *filter(None, [label, patient]))) or not (columns or label):
        return None
    kept = {"file": _pattern(list(sheets)), "image": image, "label": label, "columns": columns, "group": patient}
    csv = {key: value for key, value in {**kept, "split": split}.items() if value}
    separator = _separator(rows[label]) if label else ""
    csv |= {"separator": separator} if separator not in ("", SEPARATOR) else {}
    values = columns or sorted(_names(_agreeing(rows, image, label)[label], separator))
    return Table(csv, values, parts, f"column {split}" if split else "the tables", several or bool(separator))


def _agreeing(rows: pd.DataFrame, image: str, label: str) -> pd.DataFrame:
    """The rows of images whose rows agree; a value that others alone have would be a class without images."""
    kept = rows[rows.groupby(image)[label].transform("nunique") == 1]
    return kept if len(kept) else rows


def _image_column(rows: pd.DataFrame, images: pd.Series[str]) -> str | None:
    """The column most of whose values are the names of files."""
    sample = rows.iloc[:: max(len(rows) // _SAMPLE, 1)]
    hits = {column: _hits(sample[column], images) for column in rows}
    best = max(hits, key=lambda column: hits[column], default=None)
    return None if best is None or hits[best] < _NAMED else str(best)


def _hits(values: pd.Series[str], images: pd.Series[str]) -> float:
    if values.nunique() < min(len(values), 3):
        return 0.0
    return float((matched(values.reset_index(drop=True), images).files >= 0).mean())


def _split(rows: pd.DataFrame, columns: Sequence[str], sheets: dict[str, pd.DataFrame]) -> tuple[str, dict[str, str]]:
    """The column that names the parts, or none where each part is a table, and what they are called."""
    for column in columns:
        if set(words.SPLIT_COLUMNS) & set(words.tokens(column)):
            parts = _parts([*rows[column].str.strip().unique()])
            if parts:
                return column, parts
    return "", _parts(named_parts(list(sheets))) if len(sheets) > 1 else {}


def _parts(names: Collection[str]) -> dict[str, str]:
    """The name of each part; none where a name is no part, or two are the same one."""
    found = {words.part(name): escape(name) for name in names}
    complete = len(found) == len(names) and {"train", "test"} <= found.keys() and None not in found
    return {part: found[part] for part in SPLITS if part in found} if complete else {}


def _patient(rows: pd.DataFrame, columns: Sequence[str]) -> str:
    """The column of patients, by its name; of others than patients only one in which a value repeats."""
    for word in words.PATIENT_COLUMNS:
        for column in columns:
            repeats = rows[column].nunique() < len(rows) or word in words.PATIENT_COLUMNS[:4]
            if any(token.removesuffix("id") == word for token in words.tokens(column)) and repeats:
                return column
    return ""


def _one_hot(rows: pd.DataFrame, columns: Sequence[str], asked: Asked) -> tuple[list[str], bool]:
    """Columns of which one is 1 in nearly every row, or none; and whether several may be. Each is 1 in some row."""
    binary = _binary(rows, columns)
    others = [column for column in columns if column not in binary]
    if asked.label or len(binary) < 2 or any(map(words.speaks_of_labels, others)):
        return [], False
    cells = rows[binary].apply(lambda column: column.str.strip().str.casefold())
    several = (cells.isin(_ONE).sum(axis=1) > 1).mean() > _SEVERAL
    return binary, bool(several or cells.isin(_UNCERTAIN).any(axis=None))


def _binary(rows: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """The columns that say yes or no, and yes in some row; an empty cell is no, and -1 is uncertain."""
    values = {column: set(rows[column].str.strip().str.casefold().unique()) for column in columns}
    return [column for column, found in values.items() if found <= _BINARY and found & _ONE and len(found) > 1]


def _separator(values: pd.Series[str]) -> str:
    """What stands between the findings of a row; '' where rows taken apart there have more names, or share none."""
    whole = _names(values, "")
    for separator in _SEPARATORS:
        if values.str.contains(separator, regex=False).mean() <= _SEVERAL:
            continue
        apart = _names(values, separator)
        parts = sum(len({part.strip() for part in name.split(separator)} - {""}) for name in whole)
        if len(apart) < parts and len(apart) <= len(whole):
            return separator
    return ""


def _names(values: pd.Series[str], separator: str) -> set[str]:
    """The classes that a column names, with a separator between those of one row where there is one."""
    different = values.str.strip().unique()
    texts = [text for value in different for text in (value.split(separator) if separator else [value])]
    return {text.strip() for text in texts} - {""}


def _label(rows: pd.DataFrame, columns: Sequence[str]) -> str:
    """The column of classes, by its name, or the only one with a few words, or else the only one that says yes or no.

    Raises:
        ParamsError: several may be.
    """
    few = [column for column in columns if 2 <= len(_names(rows[column], _separator(rows[column]))) <= _MOST_CLASSES]
    named = [column for column in few if words.speaks_of_labels(column)]
    in_words = [column for column in few if not rows[column].str.fullmatch(r"[\d.,-]*").all()]
    possible = named or [column for column in in_words if not words.is_identifier(column)] or _binary(rows, columns)
    if len(possible) > 1:
        raise ParamsError(f"columns {', '.join(possible)} may each name the class; choose one by --label")
    return possible[0] if possible else ""


def _pattern(names: Sequence[str]) -> str:
    """A pattern of the tables: the path of one, or how all of them end."""
    if len(names) == 1:
        return escape(names[0])
    shortest = min(names, key=len)
    ends = (shortest[start:] for start in range(len(shortest)))
    return "*" + escape(next((end for end in ends if all(name.endswith(end) for name in names)), ""))
