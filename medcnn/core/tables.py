"""Tables: CSV files as pandas frames whose columns have declared types, read strictly and in little memory.

Arrow reads the files, because pandas' own parser pads a short row, takes the first column of long rows for an index,
and makes missing values of words such as ``NA``. Text stays in Arrow's memory: 8 bytes and its own length a value.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from medcnn.core import files
from medcnn.core.errors import MedcnnError

# Pools keep what was freed, which at 100,000 images is more than what is in use; jemalloc can be told to give it back.
if "jemalloc" in pa.supported_memory_backends():
    pa.jemalloc_set_decay_ms(0)
    pa.set_memory_pool(pa.jemalloc_memory_pool())
else:
    pa.set_memory_pool(pa.system_memory_pool())

TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
"""Text as pandas 3 keeps it, named here so that older versions do the same."""
_TYPES = {str: pa.large_string(), int: pa.int64(), float: pa.float64()}
_KINDS = {"int64": "a whole number", "double": "a number", "large_string": "UTF-8"}
_BATCH = 1024
_READING = arrow_csv.ReadOptions(use_threads=False, block_size=1 << 18)
"""Rows are numbered in messages only where one thread reads; a block holds the longest row, and is small in memory."""
_COMMAS = arrow_csv.ParseOptions(newlines_in_values=True)
_LENGTH = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")
_VALUE = re.compile(r"In CSV column #(\d+): Row #(\d+): CSV conversion error to (\w+): (?:invalid value )?(.*)")


@dataclass(frozen=True)
class Schema:
    """What a CSV must hold.

    Attributes:
        name: what such a table is called in messages.
        columns: the first columns, in order, each with the type of its values: str, int or float.
        key: the column in which no value may repeat; '' for none.
        others: the type of further columns; None where there may be none.
        prefix: what the name of every further column begins with.
    """

    name: str
    columns: Mapping[str, type]
    key: str = ""
    others: type | None = None
    prefix: str = ""

    def typed(self, header: Sequence[str]) -> dict[str, type]:
        """The type of every column of a file.

        Raises:
            ValueError: a column is missing, unknown, repeated or out of place.
        """
        own, further = list(self.columns), header[len(self.columns) :]
        wanted = ",".join(own) + (f",{self.prefix}<name>,..." if self.others else "")
        known = self.others is not None and all(name.startswith(self.prefix) for name in further)
        if list(header[: len(own)]) != own or len(set(header)) < len(header) or (further and not known):
            raise ValueError(f"its columns must be {wanted}")
        return {**self.columns, **dict.fromkeys(further, self.others or str)}


def read(path: Path, schema: Schema, columns: Iterable[str] | None = None) -> pd.DataFrame:
    """Read a table.

    Args:
        path: the file.
        schema: what it must hold.
        columns: which columns are wanted; all where None. The others are read past.

    Raises:
        MedcnnError: the file is missing, has other columns, a row of another length, a value of another type or a
            repeated key. The text names the file and the line, or the value that repeats.
    """
    if not path.is_file():
        raise MedcnnError(f"{path} not found; run `dvc repro` to make it")
    try:
        types = schema.typed(_header(path))
        wanted = list(types if columns is None else columns)
        table = _arrow(path, types, list(dict.fromkeys(filter(None, (*wanted, schema.key)))))
    except ValueError as error:
        raise MedcnnError(f"{path} is not {schema.name}: {error}; run `dvc repro` to make it again") from error
    if schema.key:
        check_unique(table[schema.key], f"{path}, {schema.key.removesuffix('_id')}")
    return _frame(table.select(wanted))


def parse(data: bytes, delimiter: str = ",") -> pd.DataFrame:
    """Any CSV with a header, in UTF-8, all of its values as text; columns without a name are left out.

    Raises:
        ValueError: it is empty, a row is too long or too short, or a value is not UTF-8; the text names the line.
    """
    parsing = arrow_csv.ParseOptions(newlines_in_values=True, delimiter=delimiter)
    header = _header(io.BytesIO(data), parsing)
    named = [name for name in header if name]
    if len(set(named)) < len(named):
        raise ValueError(f"two of the columns {', '.join(named)} have one name")
    return _frame(_arrow(io.BytesIO(data), dict.fromkeys(header, str), named, parsing))


def collected(rows: Iterable[tuple[Any, ...]], columns: Mapping[str, type]) -> pd.DataFrame:
    """A table of rows that come one by one, of which few are held as Python objects."""
    rows, types = iter(rows), {name: _TYPES[kind] for name, kind in columns.items()}
    batches = [pa.schema(types).empty_table()]
    while batch := list(islice(rows, _BATCH)):
        arrays = [pa.array(values, kind) for values, kind in zip(zip(*batch, strict=True), types.values(), strict=True)]
        batches.append(pa.table(arrays, names=list(types)))
    return _frame(pa.concat_tables(batches))


def frame(columns: Mapping[str, Any], schema: Schema) -> pd.DataFrame:
    """A table of these columns, of the types that a schema declares."""
    types = schema.typed(list(columns))
    dtypes = {str: TEXT, int: np.dtype(np.int64), float: np.dtype(np.float64)}
    return pd.DataFrame({name: pd.array(columns[name], dtypes[kind]) for name, kind in types.items()}, copy=False)


def write(path: Path, table: pd.DataFrame, digits: int = 8) -> None:
    """Write a table, whole or not at all; numbers that are not whole get so many significant digits."""
    with files.replacing(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n", float_format=f"%.{digits}g")


def positions(values: Iterable[str], among: Iterable[str]) -> npt.NDArray[np.int64]:
    """Where each value stands among others, of which none repeats; -1 where it does not."""
    found = compute.index_in(_column(values), value_set=_column(among))
    return np.asarray(found.fill_null(-1).to_numpy(), np.int64)


def numbered(values: Iterable[str]) -> npt.NDArray[np.int64]:
    """Each value as a number, equal values as the same."""
    order = compute.rank(_column(values), tiebreaker="dense")
    return np.asarray(order.to_numpy(), np.int64) - 1


def sorted_order(table: pd.DataFrame) -> npt.NDArray[np.uint64]:
    """Positions of the rows, sorted by all columns, the first before the second."""
    columns = pa.table({str(name): _column(column) for name, column in table.items()})
    order: npt.NDArray[np.uint64] = compute.sort_indices(
        columns, sort_keys=[(name, "ascending") for name in columns.column_names]
    ).to_numpy()
    return order


def check_unique(values: Iterable[str], where: str) -> None:
    """Refuse a value that repeats.

    Raises:
        MedcnnError: it names ``where`` and the first such value.
    """
    column = _column(values)
    if len(column.unique()) < len(column):
        series = column.to_pandas()
        raise MedcnnError(f"{where} {series[series.duplicated()].iloc[0]}: listed twice; once is right")


def _column(values: Iterable[str]) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, pa.ChunkedArray):
        return values
    return pa.array(values if isinstance(values, (pd.Index, pd.Series)) else list(values), pa.large_string())


def _header(source: Any, parsing: arrow_csv.ParseOptions = _COMMAS) -> list[str]:
    try:
        with arrow_csv.open_csv(source, _READING, parsing, _strict({})) as reader:
            return list(reader.schema.names)
    except pa.ArrowInvalid as error:
        raise ValueError(_plain(str(error), [], source, parsing)) from error


def _arrow(
    source: Any, types: Mapping[str, type], columns: list[str], parsing: arrow_csv.ParseOptions = _COMMAS
) -> pa.Table:
    options = _strict({name: _TYPES[kind] for name, kind in types.items()})
    options.include_columns = columns
    try:
        return arrow_csv.read_csv(source, _READING, parsing, options)
    except pa.ArrowInvalid as error:
        raise ValueError(_plain(str(error), list(types), source, parsing)) from error


def _strict(types: Mapping[str, pa.DataType]) -> arrow_csv.ConvertOptions:
    return arrow_csv.ConvertOptions(column_types=types, null_values=[], strings_can_be_null=False)


def _plain(error: str, header: Sequence[str], source: Any, parsing: arrow_csv.ParseOptions) -> str:
    """What Arrow says of a file, in words that name the line where one is at fault."""
    if found := _LENGTH.search(error):
        return f"line {_line(source, int(found[1]), parsing)}: {found[3]} values for {found[2]} columns"
    if (found := _VALUE.search(error)) and header:
        value = "a value" if found[3] == "large_string" else found[4]
        return (
            f"line {_line(source, int(found[2]), parsing)}: {value} is not {_KINDS[found[3]]} ({header[int(found[1])]})"
        )
    return error.splitlines()[0]


def _line(source: Any, row: int, parsing: arrow_csv.ParseOptions) -> int:
    """The line on which a row ends, counted from 1; empty lines, and lines within quotes, make it more than the row."""
    data = source.read_bytes() if isinstance(source, Path) else source.getvalue()
    reader = csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline=None), delimiter=parsing.delimiter)
    with suppress(csv.Error):
        return next(islice((reader.line_num for values in reader if values), row - 1, None), row)
    return reader.line_num


def _frame(table: pa.Table) -> pd.DataFrame:
    return table.to_pandas(types_mapper={pa.large_string(): TEXT}.get, split_blocks=True, self_destruct=True)
