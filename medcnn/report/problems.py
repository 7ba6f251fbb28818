"""What is wrong with a study's files, file by file: copies, contradictory labels, what cannot be read.

Of the built-in study it is known what was planted, so that what was found is held against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from medcnn.core import tables
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack
from medcnn.reading.archive import open_archive, raw_archive
from medcnn.reading.pictures import Reading, named, parted
from medcnn.report.pictures import thumbnail
from medcnn.results.data import Planted
from medcnn.results.plots import DUPLICATES
from medcnn.runtime import paths

Kind = Literal["mislabelled", "exact", "near", "unreadable"]
KINDS: dict[Kind, str] = {
    "mislabelled": "One image under several labels",
    "exact": "Exact copies",
    "near": "Near copies",
    "unreadable": "Unreadable files",
}
SHOWN = 4
"""Sets of a kind that are shown with their pictures; the names of the others are folded."""
NAMED = 100
"""Sets of a kind that are named at all."""
_SIDE = 96


@dataclass(frozen=True)
class File:
    """A file of a set.

    Attributes:
        path: in the archive.
        label: the class that it is filed under.
        split: the part that it is in; empty for a file set aside.
        reason: why it is set aside, else empty.
        picture: a data URI; empty where it is not shown.
    """

    path: str
    label: str
    split: str
    reason: str
    picture: str


Found = dict[Kind, list[tuple[File, ...]]]
"""The sets of files that something is wrong with, by kind."""


@dataclass(frozen=True)
class Hunted:
    """How many faults of a kind were planted, how many of them were found, and what was found besides."""

    kind: Kind
    planted: int
    found: int
    false_alarms: int


def problems(study: str, reading: Reading) -> Found:
    """What ``split`` found, with pictures of the first few sets as far as pixels or the archive are there.

    Args:
        study: its name.
        reading: how its files become pictures.
    """
    rows = manifest.read(paths.manifest(study), "image_id", "path", "label", "split", "sha256", "status", "reason")
    path = paths.plots("split", study) / "duplicates.csv"
    duplicates = tables.read(path, DUPLICATES) if path.exists() else tables.collected((), DUPLICATES.columns)
    sets = gathered(rows, duplicates)
    first = [row for of_kind in sets.values() for group in of_kind[:SHOWN] for row in group]
    pictures = _pictures(study, reading, rows, first)
    columns = zip(*(rows[name].tolist() for name in ("path", "label", "split", "reason")), strict=True)
    files = [
        File(name, label, split, reason, pictures.get(row, ""))
        for row, (name, label, split, reason) in enumerate(columns)
    ]
    return {kind: [tuple(files[row] for row in group) for group in of_kind] for kind, of_kind in sets.items()}


def gathered(rows: pd.DataFrame, duplicates: pd.DataFrame) -> dict[Kind, list[list[int]]]:
    """The rows of the manifest that something is wrong with, in sets, by kind; kinds without any are left out.

    Args:
        rows: image_id, path, label, sha256 and reason of the manifest.
        duplicates: as ``DUPLICATES``; a set with the same bytes throughout is one of exact copies.
    """
    unreadable = rows["reason"].str.startswith("unreadable")
    same = rows[~unreadable & rows["sha256"].duplicated(keep=False)].groupby("sha256", sort=False)
    copies = [group.index.tolist() for _, group in same if len(group) > 1]
    places = tables.positions(duplicates["image_id"], rows["image_id"])
    alike = pd.Series(places, index=duplicates.index).groupby(duplicates["duplicates"], sort=False)
    sets: dict[Kind, list[list[int]]] = {
        "mislabelled": [group for group in copies if rows["label"].iloc[group].nunique() > 1],
        "exact": [group for group in copies if rows["label"].iloc[group].nunique() == 1],
        "near": [list(group) for _, group in alike if rows["sha256"].iloc[list(group)].nunique() > 1],
        "unreadable": [[row] for row in np.flatnonzero(unreadable).tolist()],
    }
    return {kind: sorted(of_kind) for kind, of_kind in sets.items() if of_kind}


def hunted(planted: Sequence[Planted], found: Found) -> list[Hunted]:
    """What was planted against what was found; a fault is found in a set of its kind that holds both of its files."""
    return [_of_kind(kind, planted, [{file.path for file in files} for files in found.get(kind, [])]) for kind in KINDS]


def _of_kind(kind: Kind, planted: Sequence[Planted], found: Sequence[set[str]]) -> Hunted:
    kinds = (kind, "hidden") if kind == "near" else (kind,)
    wanted = [_files(fault) for fault in planted if fault.fault in kinds]
    # A planted near copy may be of a file that was copied exactly too, so that copies of any kind are no false alarm.
    known = [_files(fault) for fault in planted if (fault.fault == "unreadable") == (kind == "unreadable")]
    return Hunted(
        kind=kind,
        planted=len(wanted),
        found=sum(any(files <= group for group in found) for files in wanted),
        false_alarms=sum(not any(files <= group for files in known) for group in found),
    )


def _files(fault: Planted) -> set[str]:
    return {fault.path} if fault.fault == "unreadable" else {fault.path, fault.of}


def _pictures(study: str, reading: Reading, rows: pd.DataFrame, wanted: Iterable[int]) -> dict[int, str]:
    """Pictures by row: of used images as prepared, of others as their files show them.

    Results may be here without the images that they were made from: then there are none.
    """
    used = (rows["status"] == manifest.USED).to_numpy()
    prepared = np.cumsum(used) - 1
    readable = [row for row in wanted if not rows["reason"].iloc[row].startswith("unreadable")]
    found: dict[int, str] = {}
    with suppress(MedcnnError):
        pixels = pack.images(paths.prepared(study))
        found |= {row: thumbnail(pixels[int(prepared[row])], _SIDE) for row in readable if used[row]}
    with suppress(MedcnnError), open_archive(raw_archive(paths.raw(study))) as archive:
        for row in readable:
            if not used[row]:
                name, mark = parted(archive, rows["path"].iloc[row])
                (image,) = named(archive, name, [mark], reading)
                found[row] = thumbnail(np.asarray(image), _SIDE)
    return found
