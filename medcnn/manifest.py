"""The manifest: one row an image. It decides the order of images in every later file."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

from medcnn import files
from medcnn.console import MedcnnError

SPLITS = ("train", "validation", "test")
USED = "used"
SET_ASIDE = "set_aside"


@dataclass(frozen=True)
class Row:
    """One image.

    ``fold`` is the one in which the image is tested: 0 for the test part, -1 for images set aside. ``duplicate_of`` is
    the first image with the same bytes.
    """

    image_id: str
    path: str
    label: str
    group: str
    split: str
    fold: int
    width: int
    height: int
    mode: str
    bytes: int
    sha256: str
    phash: str
    duplicate_of: str
    status: str
    reason: str


COLUMNS = tuple(field.name for field in fields(Row))
_INTEGERS = {"fold", "width", "height", "bytes"}


def image_id(path: str) -> str:
    """A short name for an image that stays when others come and go, and that carries nothing of its file name."""
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def set_aside(row: Row, reason: str) -> Row:
    """The row of an image that is not used, and why."""
    return replace(row, status=SET_ASIDE, reason=reason, split="", fold=-1)


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write the manifest."""
    files.write_csv(path, COLUMNS, (astuple(row) for row in rows))


def read(path: Path) -> list[Row]:
    """Read the manifest, set-aside images included."""
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise MedcnnError(f"{path} is not a manifest: its columns are not {', '.join(COLUMNS)}")
        return [_parsed(line) for line in reader]


def _parsed(line: dict[str, Any]) -> Row:
    values: dict[str, Any] = {key: int(text) if key in _INTEGERS else text for key, text in line.items()}
    return Row(**values)


def used(path: Path) -> list[Row]:
    """Read the rows that images.npy holds, in its order."""
    return [row for row in read(path) if row.status == USED]


def groups(path: Path) -> dict[str, str]:
    """The group of each used image by its id: a patient's images joined with their duplicates."""
    return {row.image_id: row.group for row in used(path)}


def indices(rows: Sequence[Row], split: str) -> list[int]:
    """Positions of a split's rows."""
    return [index for index, row in enumerate(rows) if row.split == split]
