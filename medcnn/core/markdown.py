"""Tables and figures in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

NONE = "\N{EN DASH}"
"""What stands where there is no value."""


def grid(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, its last line ended."""
    rule = ["---", *("---:" for _ in columns[1:])]
    return "".join(f"| {' | '.join(map(escaped, row))} |\n" for row in (columns, rule, *rows))


def escaped(text: str) -> str:
    """Text that neither ends a cell nor begins a tag."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def number(value: float | None, digits: int = 4) -> str:
    """A figure, rounded."""
    return NONE if value is None else f"{value:.{digits}f}"


class Keyed(Protocol):
    """Figures by key: a mapping, or a record of ``medcnn.results``."""

    def get(self, key: str, /) -> Any:
        """The value of a key; None where it is absent."""


def figure(block: Keyed, key: str) -> str:
    """A figure with its interval, ``<key>_low`` to ``<key>_high``, where that is known."""
    low, high = block.get(f"{key}_low"), block.get(f"{key}_high")
    interval = "" if low is None or high is None else f" [{number(low)}, {number(high)}]"
    return f"{number(block.get(key))}{interval}"
