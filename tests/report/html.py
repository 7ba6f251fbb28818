"""Read a page as a browser would hand it to assistive technology: tables by headers, images by texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NamedTuple

VOID = {"meta", "img", "br", "wbr", "link", "hr", "input"}
UNREAD = ("style", "title", "script")


class Cell(NamedTuple):
    """A cell of a table: its text, the exact values in it, and its classes."""

    text: str
    values: tuple[str, ...] = ()
    classes: str = ""

    @property
    def value(self) -> str | None:
        """The first value, which is the figure; its interval comes after it."""
        return self.values[0] if self.values else None


class Datum(NamedTuple):
    """A number on the page: where it stands, its exact value, and what is shown."""

    section: str
    value: str
    shown: str


@dataclass
class Page(HTMLParser):
    """What the tests look at; ``tables`` are lists of rows of cells."""

    tables: list[list[list[Cell]]] = field(default_factory=list)
    images: list[dict[str, str]] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    data: list[Datum] = field(default_factory=list)
    text: str = ""
    _open: list[str] = field(default_factory=list)
    _section: str = ""
    _values: list[str] = field(default_factory=list)
    _classes: str = ""
    _cell: str = ""
    _shown: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {key: value or "" for key, value in attrs}
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self._cell, self._values, self._classes = "", [], attributes.get("class", "")
        elif tag == "data":
            self._values.append(attributes["value"])
            self._shown = ""
        elif tag == "img":
            self.images.append(attributes)
        elif tag in ("article", "section"):
            self._section = attributes["id"]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another element"
        if tag in ("td", "th"):
            self.tables[-1][-1].append(Cell(_plain(self._cell), tuple(self._values), self._classes))
        elif tag == "data":
            self.data.append(Datum(self._section, self._values[-1], _plain(self._shown)))

    def handle_data(self, data: str) -> None:
        if not set(self._open) & set(UNREAD):
            self._cell += data
            self._shown += data
            self.text += data

    def table(self, *columns: str) -> dict[str, list[Cell]]:
        """The cells by row header of the one table that has these column headers."""
        found = [table for table in self.tables if set(columns) <= {cell.text for row in table[:2] for cell in row}]
        assert len(found) == 1, f"{len(found)} tables have the columns {columns}"
        return {row[0].text: row[1:] for row in found[0]}


def parsed(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    page.text = _plain(page.text)
    assert not page._open, f"never closed: {page._open}"
    return page


def _plain(text: str) -> str:
    return " ".join(text.split())
