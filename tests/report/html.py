"""Read a page as a browser would hand it to assistive technology: tables by headers, images by texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "hr", "input"}


@dataclass
class Page(HTMLParser):
    """What the tests look at; ``tables`` are lists of rows of cells, a cell being its text and its exact value."""

    tables: list[list[list[tuple[str, str | None]]]] = field(default_factory=list)
    images: list[dict[str, str]] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""
    _open: list[str] = field(default_factory=list)
    _value: str | None = None
    _cell: str = ""

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
            self._cell, self._value = "", None
        elif tag == "data":
            self._value = attributes["value"]
        elif tag == "img":
            self.images.append(attributes)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another element"
        if tag in ("td", "th"):
            self.tables[-1][-1].append((" ".join(self._cell.split()), self._value))

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("style", "title"):
            self._cell += data
            self.text += data

    def table(self, *columns: str) -> dict[str, list[tuple[str, str | None]]]:
        """The cells by row header of the one table that has these column headers."""
        found = [table for table in self.tables if set(columns) <= {text for row in table[:2] for text, _ in row}]
        assert len(found) == 1, f"{len(found)} tables have the columns {columns}"
        return {row[0][0]: row[1:] for row in found[0]}


def parsed(html: str) -> Page:
    page = Page()
    page.feed(html)
    page.close()
    page.text = " ".join(page.text.split())
    assert not page._open, f"never closed: {page._open}"
    return page
