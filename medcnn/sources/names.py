"""Names of files inside archives."""

from __future__ import annotations

import re
import zipfile


def slashed(member: zipfile.ZipInfo) -> str:
    """The name of a zip's member with forward slashes; some programs for Windows write backslashes."""
    made_on_windows = member.create_system == 0
    return member.filename.replace("\\", "/") if made_on_windows else member.filename


def inner_name(name: str) -> str | None:
    """The name without empty parts; None where it points outside of the archive."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in parts or not parts:
        return None
    return printable("/".join(parts))


def printable(name: str) -> str:
    """A file name with bytes that are no UTF-8 spelled out, so that it can be written to a text file."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
