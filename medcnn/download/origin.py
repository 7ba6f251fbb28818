"""What a source tells about the file that it gave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Origin:
    """The published name of an archive, and its version and licence where the source tells."""

    name: str
    version: int | None = None
    licence: str | None = None
