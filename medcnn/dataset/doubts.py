"""Doubts: what may be wrong with an image set, found by ``split`` and shown wherever its figures are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from medcnn.core.errors import MedcnnError

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""``error`` stops the stage; ``warning`` is shown on the terminal, the page and the model card; ``note`` is counted."""
SHOWN = 5
"""How many examples a doubt gives."""


@dataclass(frozen=True)
class Doubt:
    """One thing to know before believing a figure.

    Attributes:
        severity: see ``SEVERITIES``.
        kind: what it is, in snake_case; stays the same when the text is reworded.
        text: one line: what was found, how much of it, and what to do.
        count: how many images, files or values it concerns.
        examples: a few of them.
    """

    severity: Severity
    kind: str
    text: str
    count: int
    examples: tuple[str, ...] = ()


def sorted_by_severity(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    """The gravest first, those of one severity in the order in which they were found."""
    return tuple(sorted(doubts, key=lambda doubt: SEVERITIES.index(doubt.severity)))


def stop_at_error(doubts: Iterable[Doubt], where: str) -> None:
    """Refuse an image set that has a doubt of severity ``error``.

    Args:
        doubts: all that were found.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: it names the first error.
    """
    first = next((doubt for doubt in doubts if doubt.severity == "error"), None)
    if first is not None:
        raise MedcnnError(f"{where}: {first.text}")


def as_json(doubts: Iterable[Doubt]) -> list[dict[str, Any]]:
    """Plain values for a JSON file."""
    return [{**asdict(doubt), "examples": list(doubt.examples)} for doubt in doubts]
