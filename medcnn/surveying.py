"""From a raw archive to the manifest: what every image is, whose it is, and on which side it stands."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from joblib import Parallel, delayed

from medcnn import labelling, manifest, placing, splitting
from medcnn.images import decode, duplicates
from medcnn.labelling import Listed
from medcnn.manifest import USED, Row
from medcnn.params.studies import Study
from medcnn.sources.archive import Archive, UnreadableMemberError

_CHUNK = 256


@dataclass(frozen=True)
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
        study: the study's block of ``params.yaml``.
        seed: decides the split.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: nothing to read, a pattern that matches nothing, or a split that cannot be made.
    """
    listed = labelling.listed(archive, study, where)
    facts, thumbnails = _inspected(archive, [item.path for item in listed])
    rows = [_row(item, fact) for item, fact in zip(listed, facts, strict=True)]
    rows = _conflicts_set_aside(_faults_set_aside(rows, facts))
    relatives = _related(rows, [item.patient for item in listed], thumbnails, study)
    rows = _named(rows, relatives)
    dealt = placing.placed(rows, relatives.groups, study, seed, where)
    return Survey(dealt, relatives, placing.as_published(rows, study.split, seed))


def _related(rows: Sequence[Row], patients: list[str], thumbnails: np.ndarray, study: Study) -> Relatives:
    """Find exact and near duplicates, and join them with the patients into groups that no split may part."""
    contents = [row.sha256 if row.phash else "" for row in rows]
    exact = splitting.joined(len(rows), splitting.same(contents))
    near = splitting.joined(len(rows), chain(enumerate(exact), _near_pairs(rows, thumbnails, study)))
    groups = splitting.joined(len(rows), chain(enumerate(near), splitting.same(patients)))
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


def _inspected(archive: Archive, paths: Sequence[str]) -> tuple[list[Facts], np.ndarray]:
    facts: list[Facts] = []
    thumbnails = np.zeros((len(paths), duplicates.THUMBNAIL**2), np.float32)
    with Parallel(n_jobs=-1, backend="threading") as parallel:
        for start in range(0, len(paths), _CHUNK):
            chunk = paths[start : start + _CHUNK]
            for fact, thumbnail in parallel(delayed(_inspect)(archive, path) for path in chunk):
                thumbnails[len(facts)] = thumbnail
                facts.append(fact)
    return facts, thumbnails


def _inspect(archive: Archive, path: str) -> tuple[Facts, np.ndarray]:
    nothing = np.zeros(duplicates.THUMBNAIL**2, np.float32)
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


def _row(item: Listed, fact: Facts) -> Row:
    return Row(
        image_id=manifest.image_id(item.path),
        path=item.path,
        label=item.label,
        group="",
        split="",
        fold=-1,
        width=fact.width,
        height=fact.height,
        mode=fact.mode,
        bytes=fact.bytes,
        sha256=fact.sha256,
        phash=fact.phash,
        duplicate_of="",
        status=USED,
        reason="",
    )


def _faults_set_aside(rows: Sequence[Row], facts: Sequence[Facts]) -> list[Row]:
    return [
        manifest.set_aside(row, f"unreadable: {fact.fault}")
        if fact.fault
        else row
        if row.label
        else manifest.set_aside(row, "no class")
        for row, fact in zip(rows, facts, strict=True)
    ]


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


def _near_pairs(rows: Sequence[Row], thumbnails: np.ndarray, study: Study) -> Iterator[tuple[int, int]]:
    readable = [index for index, row in enumerate(rows) if row.phash]
    if len(readable) < len(rows):
        thumbnails = thumbnails[readable]
    pairs = duplicates.near_pairs([rows[i].phash for i in readable], thumbnails, study.duplicates)
    return ((readable[i], readable[j]) for i, j in pairs)
