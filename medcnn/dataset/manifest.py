"""The manifest: one row an image. It decides the order of images in every later file."""

from __future__ import annotations

import csv
import hashlib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

from medcnn.core import files
from medcnn.core.errors import MedcnnError

SPLITS = ("train", "validation", "test")
USED = "used"
SET_ASIDE = "set_aside"


@dataclass(frozen=True, slots=True)
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
_UNIQUE = {"path", "sha256", "phash"}


def image_id(path: str) -> str:
    """A short name for an image that stays when others come and go, and that carries nothing of its file name."""
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def set_aside(row: Row, reason: str) -> Row:
    """The row of an image that is not used, and why."""
    return replace(row, status=SET_ASIDE, reason=reason, split="", fold=-1)


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write the manifest."""
    files.write_csv(path, COLUMNS, map(attrgetter(*COLUMNS), rows))


def read(path: Path) -> list[Row]:
    """Read the manifest, set-aside images included."""
    with path.open(newline="", encoding="utf-8") as file:
        header, lines = next(reader := csv.reader(file), []), reader
        if tuple(header) != COLUMNS:
            raise MedcnnError(f"{path} is not a manifest: its columns are not {', '.join(COLUMNS)}")
        return [Row(*map(_parsed, COLUMNS, line)) for line in lines]


def _parsed(column: str, text: str) -> Any:
    if column in _INTEGERS:
        return int(text)
    # Words that many rows share are kept once: a third of the memory of a hundred thousand rows.
    return text if column in _UNIQUE else sys.intern(text)


def used(path: Path) -> list[Row]:
    """Read the rows that prepared images are of, in their order."""
    return [row for row in read(path) if row.status == USED]


def groups(path: Path) -> dict[str, str]:
    """The group of each used image by its id: a patient's images joined with their duplicates."""
    return {row.image_id: row.group for row in used(path)}


def indices(rows: Sequence[Row], split: str) -> list[int]:
    """Positions of a split's rows."""
    return [index for index, row in enumerate(rows) if row.split == split]


def of_images(image_ids: Sequence[str], groups: Mapping[str, str]) -> list[str]:
    """The group of each image.

    Args:
        image_ids: as predictions name them.
        groups: the group of each image of the manifest.

    Raises:
        MedcnnError: the manifest lacks an image.
    """
    absent = next((image_id for image_id in image_ids if image_id not in groups), None)
    if absent is not None:
        raise MedcnnError(f"image {absent} of the predictions is not in the manifest; run `dvc repro`")
    return [groups[image_id] for image_id in image_ids]
