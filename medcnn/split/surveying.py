"""From a raw archive to the manifest: what every image is, whose it is, and on which side it stands."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import IO

import numpy as np

from medcnn.dataset import manifest
from medcnn.dataset.manifest import USED, Row
from medcnn.grouping import dealing, duplicates
from medcnn.reading import decode
from medcnn.reading.archive import Archive, UnreadableMemberError
from medcnn.runtime import paths
from medcnn.runtime.threads import in_order
from medcnn.split import labelling, placing
from medcnn.split.labelling import Listed
from medcnn.split.settings import Study


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read from one image file; ``fault`` is empty where it could be decoded."""

    bytes: int
    sha256: str
    width: int = 0
    height: int = 0
    mode: str = ""
    phash: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Relatives:
    """Per row: its patient, and the first row among its exact copies, its near duplicates, and all of these joined."""

    patients: list[str]
    exact: list[int]
    near: list[int]
    groups: list[int]


@dataclass(frozen=True)
class Survey:
    """The manifest's rows and, per row, its relatives and its split before any repair ('' where set aside)."""

    rows: list[Row]
    relatives: Relatives
    published: list[str]


def survey(archive: Archive, study: Study, seed: int, where: str) -> Survey:
    """Look at every image of an archive once and deal the usable ones to train, validation and test.

    Args:
        archive: the raw data, read in place.
        study: how its images are labelled and dealt.
        seed: decides the split.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: nothing to read, a pattern that matches nothing, or a split that cannot be made.
    """
    listed = labelling.listed(archive, study.labels, where)
    with _spool() as thumbnails:
        inspected = _inspected(archive, listed, thumbnails)
        rows = _conflicts_set_aside([_row(item, facts) for item, facts in zip(listed, inspected, strict=True)])
        relatives = _related(rows, [item.patient for item in listed], thumbnails, study)
    rows = _named(rows, relatives)
    dealt = placing.placed(rows, relatives.groups, study, seed, where)
    return Survey(dealt, relatives, placing.as_published(rows, study.split, seed))


def _related(rows: Sequence[Row], patients: list[str], thumbnails: IO[bytes], study: Study) -> Relatives:
    """Find exact and near duplicates, and join them with the patients into groups that no split may part."""
    contents = [row.sha256 if row.phash else "" for row in rows]
    exact = dealing.joined(len(rows), dealing.same(contents))
    near = dealing.joined(len(rows), chain(enumerate(exact), _near_pairs(rows, thumbnails, study)))
    groups = dealing.joined(len(rows), chain(enumerate(near), dealing.same(patients)))
    return Relatives(patients, exact, near, groups)


def _named(rows: Sequence[Row], relatives: Relatives) -> list[Row]:
    """The rows with the name of their group, and of the image that they copy."""
    return [
        replace(
            row,
            group=relatives.patients[group] or rows[group].image_id,
            duplicate_of="" if first == index else rows[first].image_id,
        )
        for index, (row, group, first) in enumerate(zip(rows, relatives.groups, relatives.exact, strict=True))
    ]


def _inspected(archive: Archive, listed: Sequence[Listed], thumbnails: IO[bytes]) -> Iterator[Facts]:
    """The facts of each image; its thumbnail is written to a file, as those of all would fill the memory."""
    names = (item.path for item in listed)
    for facts, thumbnail in in_order(partial(_inspect, archive), names, len(os.sched_getaffinity(0))):
        thumbnails.write(thumbnail.data)
        yield facts


def _inspect(archive: Archive, path: str) -> tuple[Facts, np.ndarray]:
    nothing = np.zeros(duplicates.THUMBNAIL**2, np.uint8)
    try:
        data = archive.read(path)
    except UnreadableMemberError as error:
        return Facts(archive.size(path), "", fault=str(error)), nothing
    digest = hashlib.sha256(data).hexdigest()
    try:
        image = decode.open_image(data)
        rgb = decode.to_rgb(image)
    except decode.UnreadableImageError as error:
        return Facts(len(data), digest, fault=str(error)), nothing
    facts = Facts(len(data), digest, image.width, image.height, image.mode, duplicates.perceptual_hash(rgb))
    return facts, duplicates.thumbnail(rgb)


def _spool() -> IO[bytes]:
    folder = paths.state("spool")
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder)


def _row(item: Listed, facts: Facts) -> Row:
    row = Row(
        image_id=manifest.image_id(item.path),
        path=item.path,
        label=item.label,
        group="",
        split="",
        fold=-1,
        width=facts.width,
        height=facts.height,
        mode=facts.mode,
        bytes=facts.bytes,
        sha256=facts.sha256,
        phash=facts.phash,
        duplicate_of="",
        status=USED,
        reason="",
    )
    if facts.fault:
        return manifest.set_aside(row, f"unreadable: {facts.fault}")
    return row if item.label else manifest.set_aside(row, "no class")


def _conflicts_set_aside(rows: Sequence[Row]) -> list[Row]:
    labels: dict[str, set[str]] = {}
    for row in rows:
        if row.status == USED:
            labels.setdefault(row.sha256, set()).add(row.label)
    return [
        manifest.set_aside(row, f"identical image under labels {' and '.join(sorted(labels[row.sha256]))}")
        if row.status == USED and len(labels[row.sha256]) > 1
        else row
        for row in rows
    ]


def _near_pairs(rows: Sequence[Row], thumbnails: IO[bytes], study: Study) -> Iterator[tuple[int, int]]:
    readable = np.array([index for index, row in enumerate(rows) if row.phash], np.int64)
    thumbnails.flush()

    def some(positions: np.ndarray) -> np.ndarray:
        # Mapped anew for each call, so that the pages that were read do not stay.
        mapped = np.memmap(thumbnails, np.uint8, "r", shape=(len(rows), duplicates.THUMBNAIL**2))
        return mapped[readable[positions]]

    pairs = duplicates.near_pairs([row.phash for row in rows if row.phash], some, study.split.duplicates)
    return ((int(readable[i]), int(readable[j])) for i, j in pairs)
