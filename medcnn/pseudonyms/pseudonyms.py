"""Pseudonyms for the names of files and patients that results would carry out of the house.

A pseudonym is a keyed hash (HMAC with SHA-256, RFC 2104): whoever lacks the project's key cannot try names from a list,
as a plain hash would let them. The key is random and lies in a folder that neither git nor DVC takes. Nothing else is
stored, as whoever has key and images can make the table of pseudonyms again.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medcnn.core.errors import MedcnnError
from medcnn.runtime import paths

Kind = Literal["file", "patient", "name"]
"""Of a file, of a patient or a group, or of anything else, such as a folder."""
Known = Mapping[str, Kind]
"""Names that a sentence may hold."""
DIGITS = 12
"""Hexadecimal digits of a pseudonym: among 100,000 names two have the same one with a chance of 1 in 50,000."""
_BYTES = 32
_NAMELIKE = re.compile(r"'([^']*)'|\S*[/\\]\S*[^\s.,:;)]|\S+\.[A-Za-z]{2,5}\b")
"""What in a sentence was quoted from the data, or looks like a file."""
_KEY_PATH = re.compile(r"(studies|labels|split|images|csv|run)(\.[a-z_]+)+")
"""Keys of params.yaml, which look like files."""


@dataclass(frozen=True)
class Pseudonyms:
    """The pseudonyms of one project.

    Attributes:
        key: the secret that they are made with.
    """

    key: bytes

    def of(self, name: str, kind: Kind = "file") -> str:
        """The pseudonym of a name, such as ``file-3f9c2a71b04e``; the same in every run with the same key."""
        digest = hmac.new(self.key, name.encode("utf-8", "surrogatepass"), "sha256").hexdigest()
        return f"{kind}-{digest[:DIGITS]}"

    def within(self, text: str, known: Known, kept: Collection[str] = ()) -> str:
        """A sentence with pseudonyms in place of names: those that are known, and whatever is quoted or like a file.

        Args:
            text: the sentence.
            known: names and what they are of.
            kept: quoted words that are no names, such as classes.
        """
        for name in sorted((name for name in known if name in text), key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", self.of(name, known[name]), text)
        return _NAMELIKE.sub(lambda found: self._replaced(found, kept), text)

    def _replaced(self, found: re.Match[str], kept: Collection[str]) -> str:
        quoted, whole = found[1], found[0]
        if quoted is None:
            return whole if _KEY_PATH.fullmatch(whole) else self.of(whole, "name")
        pseudonym = re.fullmatch(rf"(file|patient|name)-[0-9a-f]{{{DIGITS}}}", quoted)
        return whole if pseudonym or quoted in kept else f"'{self.of(quoted, 'name')}'"


def of_project() -> Pseudonyms:
    """The pseudonyms of the project here, whose key is made where there is none yet.

    Raises:
        MedcnnError: the key is there and cannot be read, or there is none and it cannot be written.
    """
    path = paths.pseudonyms()
    try:
        if not path.exists():
            _make(path)
        key = path.read_bytes()
    except OSError as error:
        raise MedcnnError(f"{path}: {error.strerror}; it holds the key of this project's pseudonyms") from error
    if len(key) != _BYTES:
        raise MedcnnError(f"{path}: {len(key)} bytes where a key has {_BYTES}; restore it, or delete it for a new one")
    return Pseudonyms(key)


def _make(path: Path) -> None:
    """Write a new key that nobody else may read; of several processes at once the first one's stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_bytes(secrets.token_bytes(_BYTES))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
