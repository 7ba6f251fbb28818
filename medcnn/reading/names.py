"""Names of files inside archives."""

from __future__ import annotations

import re
import unicodedata
import zipfile
from fnmatch import fnmatchcase

LONGEST = 4096
"""Characters of a name, as in the longest path that Linux opens."""
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Control characters, line ends, and what turns the direction of text round."""

_SYSTEM = frozenset(
    {
        *("__macosx", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\\r"),
        *("$recycle.bin", "recycler", "recycled", "system volume information", "found.000", "lost+found"),
        *("@eadir", "@tmp", "@recycle", "@recently-snapshot", "@__thumb", "#recycle", "#snapshot"),
        *("zbthumbnail.info", "picasa.ini", "__pycache__"),
    }
)
"""What macOS, Windows, the usual network drives and picture managers leave beside the files of their users."""
_MARK = re.compile(r"#\d+(,\d+)?$")


def is_of_system(name: str) -> bool:
    """Whether a file, or a folder that it lies in, is hidden or left by an operating system."""
    return any(part.startswith(".") or part.lower() in _SYSTEM for part in name.split("/"))


def unmarked(path: str) -> str:
    """The file of a picture: its path without the mark that says which of the pictures of a file it is."""
    return _MARK.sub("", path)


def slashed(member: zipfile.ZipInfo) -> str:
    """The name of a zip's member with forward slashes; some programs for Windows write backslashes."""
    made_on_windows = member.create_system == 0
    return member.filename.replace("\\", "/") if made_on_windows else member.filename


def inner_name(name: str) -> str | None:
    """The name without empty parts; None where it points outside of the archive or is longer than ``LONGEST``."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in parts or not parts or len(name) > LONGEST:
        return None
    return printable("/".join(parts))


def printable(name: str) -> str:
    r"""A name on one line, safe in a text file and on a terminal.

    Bytes that are not UTF-8 are spelled out as ``\xNN``, control characters as Python spells them.
    """
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def matches(name: str, pattern: str) -> bool:
    """Whether a name matches a shell pattern, whether accents are letters of their own (as macOS writes) or not."""
    return fnmatchcase(unicodedata.normalize("NFC", name), unicodedata.normalize("NFC", pattern))
