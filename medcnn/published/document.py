"""The tables as one Markdown document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from medcnn.core.markdown import NONE, escaped, grid, number
from medcnn.published.measured import Column, Figures
from medcnn.published.studies import decimals
from medcnn.published.table import Cell, Table

_HEAD = """\
# As published, and as measured here

Written by `make published` from `metrics/`; do not edit it. Accuracy and cross-entropy (loss, in nats) are of the test
set, the number of test images in brackets. On the honest split, no patient and no duplicate is both in training and in
test; the split as published (`on_leak: keep`) leaves them where they were. The difference is the honest split's figure
less the published one; the numbers in the last column are its reasons, below each table. "Best here" is the model of
`params.yaml` that gets most out of the images, chosen by validation and run by itself on the honest split.
"""
_COLUMNS = (
    "Model",
    "Here",
    "Published accuracy",
    "Published loss",
    "Honest split: accuracy",
    "loss",
    "Split as published: accuracy",
    "loss",
    "Difference in accuracy",
    "in loss",
    "Reasons",
)


def document(tables: Iterable[Table]) -> str:
    """The whole document; it depends on the tables alone."""
    return "\n".join([_HEAD, *(line for table in tables for line in _section(table))])


def _section(table: Table) -> Iterator[str]:
    yield f"## {table.study}: {table.title}\n"
    yield f"Published: {escaped(table.source)}{_on(table.published_test_images)}.  "
    yield f"Honest split: {_measured_on(table.honest)}.  "
    best_here = f"  \nBest here: {_measured_on(table.best_here_on)}." if table.best_here_on else ""
    yield f"Split as published: {_measured_on(table.as_published)}.{best_here}\n"
    yield grid(_COLUMNS, _rows(table))
    yield "Reasons. Wrong there:\n"
    yield _numbered(table.wrong_there, 1)
    yield "Different here:\n"
    yield _numbered(table.different_here, 1 + len(table.wrong_there))
    if table.further:
        yield "Further published figures, not measured again in this table:\n"
        yield grid(("Model", *table.further), _further(table))


def _rows(table: Table) -> Iterator[Sequence[str]]:
    for row in table.rows:
        published = row.published
        cells = (*_cells(row.honest), *_cells(row.as_published))
        differences = (_signed(row.accuracy_difference), _signed(row.loss_difference))
        reasons = ", ".join(map(str, row.reasons)) or NONE
        ours = f"`{row.ours}`" if row.ours else NONE
        yield (published.model, ours, _plain(published.accuracy), _plain(published.loss), *cells, *differences, reasons)
    if best := table.best_here:
        cells = (*_cells(best.honest), *_cells(best.as_published))
        yield ("best here", f"`{best.ours}`", NONE, NONE, *cells, NONE, NONE, NONE)
    for also in table.also_measured:
        cells = (*_cells(also.honest), *_cells(also.as_published))
        yield ("also measured", f"`{also.ours}`", NONE, NONE, *cells, NONE, NONE, NONE)


def _further(table: Table) -> Iterator[Sequence[str]]:
    for row in table.rows:
        if row.published.further:
            yield (row.published.model, *(_plain(row.published.further.get(key)) for key in table.further))


def _cells(cell: Cell) -> tuple[str, str]:
    if not isinstance(cell, Figures):
        return cell.missing, NONE
    return f"{number(cell.accuracy)} ({cell.images})", number(cell.cross_entropy)


def _measured_on(column: Column | None) -> str:
    if column is None:
        return "not measured"
    of = f" of {column.images}" if column.images else ""
    return f"{column.test_images} test images{of}, `on_leak: {column.on_leak}`, data set `{column.fingerprint[:12]}`"


def _on(images: int | None) -> str:
    return f", {images} test images" if images else ""


def _signed(value: float | None) -> str:
    return NONE if value is None else f"{value:+.4f}"


def _plain(value: float | str | None) -> str:
    if isinstance(value, float):
        return f"{value:.{decimals(value)}f}"
    return NONE if value is None else str(value)


def _numbered(texts: Sequence[str], start: int) -> str:
    return "".join(f"{place}. {escaped(text)}\n" for place, text in enumerate(texts, start))
