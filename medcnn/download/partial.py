"""The working file of a fetch. It lies outside every DVC out, so that a broken download is still there next time."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from medcnn.core import files
from medcnn.runtime import locking, paths


@dataclass(frozen=True)
class Origin:
    """The published name of an archive, and its version and licence where the source says them."""

    name: str
    version: int | None = None
    licence: str | None = None


@contextmanager
def claim(key: str) -> Iterator[Partial]:
    """Hold the working file that belongs to ``key``; a second process that wants it waits for the first."""
    path = paths.state("partial") / hashlib.sha256(key.encode()).hexdigest()[:16]
    with locking.held(path.with_suffix(".lock"), "fetches the same data"):
        yield Partial(path)


class Partial:
    """The bytes of a download so far, with what proves that a later answer continues the same remote file.

    Attributes:
        path: the bytes.
        size: how many there should be in the end; None while unknown.
        validator: a strong ETag or a Last-Modified date of the remote file; None where it gave neither.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.with_suffix(".part")
        self._notes = path.with_suffix(".json")
        self.size: int | None = None
        self.validator: str | None = None
        self._recall()

    @property
    def kept(self) -> int:
        """How many bytes are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def is_whole(self) -> bool:
        """Whether all bytes are here."""
        return self.size is not None and self.kept == self.size

    @property
    def summary(self) -> str:
        """What is kept, for messages."""
        if not self.kept:
            return "nothing is kept"
        of_all = "" if self.size is None else f" of {self.size}"
        return f"{self.kept}{of_all} bytes are kept and the next run goes on from there"

    @property
    def range_headers(self) -> dict[str, str]:
        """Request headers that ask for the rest, or for all of a file that has changed since."""
        if not self.kept:
            return {}
        unchanged = {"If-Range": self.validator} if self.validator else {}
        return {"Range": f"bytes={self.kept}-", **unchanged}

    def begin(self, response: requests.Response) -> bool:
        """Make ready for the body of an answer; False, with nothing kept, if it does not fit what is here."""
        if response.status_code == requests.codes.partial_content:
            if self._is_continued_by(response):
                return True
            self.discard()
            return False
        self.discard()
        self._note(_length(response), _validator(response))
        return True

    def discard(self) -> None:
        """Forget all bytes."""
        self.path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)
        self.size = self.validator = None

    @contextmanager
    def all_or_nothing(self) -> Iterator[Path]:
        """Yield the path for a writer that cannot resume; what it leaves behind when it fails is removed."""
        self.discard()
        try:
            yield self.path
        except BaseException:
            self.discard()
            raise

    def move_to(self, folder: Path, name: str) -> None:
        """Make the bytes the one file of ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        _move(self.path, folder / name)
        self.discard()
        for other in folder.iterdir():
            if other.name != name:
                shutil.rmtree(other) if other.is_dir() and not other.is_symlink() else other.unlink()

    def _recall(self) -> None:
        try:
            notes = files.read_json(self._notes)
            self.size, self.validator = notes["size"], notes["validator"]
        except (OSError, ValueError, KeyError, TypeError):
            self.discard()
        # Without a validator nothing proves, in a later run, that the remote file is still the same.
        if not self.is_whole and (self.validator is None or self.kept > (self.size or self.kept)):
            self.discard()

    def _note(self, size: int | None, validator: str | None) -> None:
        self.size, self.validator = size, validator
        files.write_text(self._notes, json.dumps({"size": size, "validator": validator}))

    def _is_continued_by(self, response: requests.Response) -> bool:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if match is None or int(match[1]) != self.kept:
            return False
        same_size = match[2] == "*" or self.size in (None, int(match[2]))
        return same_size and _validator(response) in (None, self.validator)


def _length(response: requests.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _validator(response: requests.Response) -> str | None:
    tag: str = response.headers.get("ETag", "")
    # A weak tag (W/"...") does not promise equal bytes, and If-Range does not take it.
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")


def _move(source: Path, target: Path) -> None:
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # data/ may be another file system than .dvc/tmp.
        with files.replacing(target) as temporary:
            shutil.copyfile(source, temporary)
