"""Rows that may be handed on: pseudonyms in place of paths, and the table of both, which is kept."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

from medcnn.core import files
from medcnn.predict.rows import Row
from medcnn.pseudonyms import pseudonyms
from medcnn.runtime.console import shown


def named(rows: Iterator[Row], table: Path) -> Generator[Row]:
    """The rows by pseudonyms, in their order.

    Args:
        rows: by paths.
        table: of pseudonym and path, written row by row, which appears when all rows are through.
    """
    names = pseudonyms.of_project()
    with files.replacing(table) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("pseudonym", "path"))
        for row in rows:
            pseudonym = names.of(row.path)
            writer.writerow((pseudonym, shown(row.path)))
            parts: pseudonyms.Known = {row.path: "file", Path(row.path).name: "file"}
            error = None if row.error is None else names.within(row.error, parts)
            yield replace(row, path=pseudonym, error=error)
