"""From a raw archive to the manifest: what every image is, whose it is, and on which side it stands."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO

import numpy as np
import numpy.typing as npt
import pandas as pd

from medcnn.core import tables
from medcnn.dataset import manifest
from medcnn.dataset.doubts import Doubt, sorted_by_severity
from medcnn.dataset.manifest import PARTS, USED
from medcnn.grouping import duplicates
from medcnn.grouping.relatives import Relatives, related
from medcnn.reading import decode
from medcnn.reading.archive import Archive, UnreadableMemberError
from medcnn.runtime import paths
from medcnn.runtime.threads import in_order
from medcnn.split import doubting, labelling, placing
from medcnn.split.settings import Study

Facts = tuple[str, int, str, int, int, str, str, str]
FACTS = {
    "image_id": str, "bytes": int, "sha256": str, "width": int, "height": int, "mode": str, "phash": str, "fault": str,
}  # fmt: skip
"""What is read from one image file; ``fault`` is empty where it could be decoded."""


@dataclass(frozen=True)
class Looks:
    """What was seen of every image: the rows of the ``Listing``, ``FACTS``, its relatives, what is doubtful so far."""

    listed: pd.DataFrame
    facts: pd.DataFrame
    relatives: Relatives
    doubts: tuple[Doubt, ...]


@dataclass(frozen=True)
class Survey:
    """The manifest's rows; per row, its relatives and its split before any repair ('' where set aside); all doubts."""

    rows: pd.DataFrame
    relatives: Relatives
    published: pd.Series[str]
    doubts: tuple[Doubt, ...]


def looked_at(archive: Archive, study: Study, where: str) -> Looks:
    """Look at every image of an archive once.

    Args:
        archive: the raw data, read in place.
        study: how its images are labelled.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: nothing to read, or a pattern that matches nothing.
    """
    listing = labelling.listed(archive, study.labels, where)
    listed = listing.rows
    with _spool() as thumbnails:
        facts = tables.collected(_inspected(archive, listed["path"], thumbnails), FACTS)
        reader, limits = _reader(thumbnails, len(facts)), study.split.duplicates
        relatives = related(facts["sha256"], facts["phash"], listed["patient"], reader, limits)
    return Looks(listed, facts, relatives, listing.doubts)


def dealt(looks: Looks, study: Study, seed: int, where: str) -> Survey:
    """Deal the usable images to train, validation and test.

    Args:
        looks: what was seen of all images; without the archive, whose list of files is large.
        study: how they are dealt.
        seed: decides the split.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: a split that cannot be made.
    """
    relatives, rows = looks.relatives, _rows(looks.listed, looks.facts, looks.relatives)
    placed = placing.placed(rows, relatives.groups, study, seed, where)
    published = placing.as_published(rows, study.split, seed)
    doubts = (*looks.doubts, *doubting.of_split(placed, relatives, study))
    return Survey(placed, relatives, published, sorted_by_severity(doubts))


def _rows(listed: pd.DataFrame, facts: pd.DataFrame, relatives: Relatives) -> pd.DataFrame:
    """The manifest's rows before they are dealt to parts, in the order of paths."""
    count, ids = len(listed), facts["image_id"]
    groups = relatives.patients.iloc[relatives.groups].reset_index(drop=True)
    first = relatives.exact == np.arange(count)
    empty = pd.Series([""], dtype=tables.TEXT).repeat(count).reset_index(drop=True)
    rows = listed[["path", "label", "part"]].assign(
        **{str(name): column for name, column in facts.drop(columns="fault").items()},
        group=groups.where(groups != "", ids.iloc[relatives.groups].array),
        split=pd.Categorical.from_codes(np.zeros(count, np.int8), dtype=PARTS),
        fold=-1,
        duplicate_of=ids.iloc[relatives.exact].reset_index(drop=True).mask(first, ""),
        status=empty.mask(np.ones(count, bool), USED),
        reason=empty,
    )
    unreadable = facts["fault"] != ""
    rows = manifest.set_aside(rows, unreadable.to_numpy(), "unreadable: " + facts["fault"])
    rows = manifest.set_aside(rows, (~unreadable & (listed["reason"] != "")).to_numpy(), listed["reason"])
    return _conflicts_set_aside(rows, relatives.exact)


def _conflicts_set_aside(rows: pd.DataFrame, exact: npt.NDArray[np.int64]) -> pd.DataFrame:
    """The rows, without images of which an exact copy has another class."""
    used = pd.DataFrame({"exact": exact, "label": rows["label"]})[rows["status"] == USED].drop_duplicates()
    conflicts = (
        used[used["exact"].duplicated(keep=False)]
        .groupby("exact")["label"]
        .agg(lambda labels: f"identical image under labels {' and '.join(sorted(labels))}")
    )
    reasons = pd.Series(exact).map(conflicts).astype(tables.TEXT)
    which = (rows["status"] == USED).to_numpy() & reasons.notna().to_numpy()
    return manifest.set_aside(rows, which, reasons)


def _inspected(archive: Archive, names: pd.Series[str], thumbnails: IO[bytes]) -> Iterator[Facts]:
    """The facts of each image; its thumbnail is written to a file, as those of all would fill the memory."""
    for facts, thumbnail in in_order(partial(_inspect, archive), names, len(os.sched_getaffinity(0))):
        thumbnails.write(thumbnail.data)
        yield facts


def _inspect(archive: Archive, path: str) -> tuple[Facts, np.ndarray]:
    nothing, image_id = np.zeros(duplicates.THUMBNAIL**2, np.uint8), manifest.image_id(path)
    try:
        data = archive.read(path)
    except UnreadableMemberError as error:
        return (image_id, archive.size(path), "", 0, 0, "", "", str(error)), nothing
    digest = hashlib.sha256(data).hexdigest()
    try:
        image = decode.open_image(data)
        rgb = decode.to_rgb(image)
    except decode.UnreadableImageError as error:
        return (image_id, len(data), digest, 0, 0, "", "", str(error)), nothing
    code = duplicates.perceptual_hash(rgb)
    return (image_id, len(data), digest, *image.size, image.mode, code, ""), duplicates.thumbnail(rgb)


def _spool() -> IO[bytes]:
    folder = paths.state("spool")
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder)


def _reader(thumbnails: IO[bytes], count: int) -> Callable[[npt.NDArray[np.int64]], np.ndarray]:
    """What gives the thumbnails of the images at some positions, from a file of ``count`` thumbnails."""
    thumbnails.flush()

    def some(positions: npt.NDArray[np.int64]) -> np.ndarray:
        # Mapped anew for each call, so that the pages that were read do not stay.
        return np.memmap(thumbnails, np.uint8, "r", shape=(count, duplicates.THUMBNAIL**2))[positions]

    return some
