"""The manifest: one row per image. It decides the order of images in every later file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from medcnn.core import tables
from medcnn.core.errors import MedcnnError

SPLITS = ("train", "validation", "test")
PARTS = pd.CategoricalDtype(["", *SPLITS])
"""The parts of a split, after '' for images in none of them."""
USED = "used"
SET_ASIDE = "set_aside"
SCHEMA = tables.Schema(
    "a manifest",
    {
        "image_id": str,
        "path": str,
        "label": str,
        "group": str,
        "split": str,
        "fold": int,
        "width": int,
        "height": int,
        "mode": str,
        "bytes": int,
        "sha256": str,
        "phash": str,
        "duplicate_of": str,
        "status": str,
        "reason": str,
    },
    key="image_id",
)
"""``fold`` is the one in which the image is tested: 0 for the test part, -1 for images set aside. ``duplicate_of`` is
the first image with the same bytes."""


def image_id(path: str) -> str:
    """A short name for an image that stays when others come and go, and that carries nothing of its file name."""
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def set_aside(rows: pd.DataFrame, which: npt.NDArray[np.bool_], reason: str | pd.Series[str]) -> pd.DataFrame:
    """The rows, of which some are not used, and why."""
    return rows.assign(
        status=rows["status"].mask(which, SET_ASIDE),
        reason=rows["reason"].mask(which, reason),
        split=rows["split"].mask(which, ""),
        fold=rows["fold"].mask(which, -1),
    )


def write(path: Path, rows: pd.DataFrame) -> None:
    """Write the manifest, of which ``rows`` has all columns."""
    tables.write(path, rows[list(SCHEMA.columns)])


def read(path: Path, *columns: str) -> pd.DataFrame:
    """Read some columns of the manifest, or all, set-aside images included.

    Raises:
        MedcnnError: the file is missing or is not a manifest.
    """
    return tables.read(path, SCHEMA, columns or None)


def used(path: Path, *columns: str) -> pd.DataFrame:
    """Read some columns of the manifest, or all: the rows of the prepared images, in their order, numbered from 0.

    Raises:
        MedcnnError: see ``read``.
    """
    columns = columns or tuple(SCHEMA.columns)
    rows = read(path, *dict.fromkeys((*columns, "status")))
    inside = (rows["status"] == USED).to_numpy()
    # Column by column, so that no more than one is in memory twice.
    return pd.DataFrame({column: rows.pop(column).array[inside] for column in columns}, copy=False)


def groups(path: Path) -> pd.Series[str]:
    """The group of each used image by its id: a patient's images joined with their duplicates."""
    return used(path, "image_id", "group").set_index("image_id")["group"]


def indices(rows: pd.DataFrame, split: str) -> list[int]:
    """Positions of a split's rows."""
    return np.flatnonzero(rows["split"] == split).tolist()


def of_images(image_ids: Iterable[str], groups: pd.Series[str]) -> list[str]:
    """The group of each image.

    Args:
        image_ids: as predictions name them.
        groups: the group of each image of the manifest, by its id.

    Raises:
        MedcnnError: the manifest lacks an image.
    """
    where = tables.positions(image_ids, groups.index)
    if (where < 0).any():
        absent = list(image_ids)[int(np.argmax(where < 0))]
        raise MedcnnError(f"image {absent} of the predictions is not in the manifest; run `dvc repro`")
    return groups.iloc[where].tolist()
