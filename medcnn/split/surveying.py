"""From a raw archive to the manifest: what every image is, whose it is, and on which side it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from medcnn.core import tables
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest
from medcnn.dataset.doubts import Doubt, sorted_by_severity, stop_at_error
from medcnn.dataset.manifest import PARTS, USED
from medcnn.grouping.relatives import Relatives, related
from medcnn.reading.archive import Archive
from medcnn.reading.unfolding import temporary_file
from medcnn.split import (
    appearance,
    companions,
    correcting,
    doubting,
    file_doubts,
    inspecting,
    labelling,
    placing,
    shortcuts,
)
from medcnn.split.companions import Companions
from medcnn.split.settings import Study
from medcnn.split.thumbnails import Thumbnails


@dataclass(frozen=True)
class Looks:
    """Of every picture its row of the ``Listing``, ``inspecting.FACTS`` and relatives; what is doubtful so far; and
    what became of labels that a human corrected.
    """

    listed: pd.DataFrame
    facts: pd.DataFrame
    relatives: Relatives
    doubts: tuple[Doubt, ...]
    corrections: dict[str, Any] | None = None


@dataclass(frozen=True)
class Survey:
    """The manifest's rows; per row, its relatives and its split before any repair ('' where set aside); all doubts; and
    what was corrected.
    """

    rows: pd.DataFrame
    relatives: Relatives
    published: pd.Series[str]
    doubts: tuple[Doubt, ...]
    corrections: dict[str, Any] | None = None


def looked_at(
    archive: Archive, study: Study, where: str, shown: Callable[[Iterable[str]], Iterable[str]] = iter
) -> Looks:
    """Look at every image of an archive once.

    Args:
        archive: the raw data, read in place.
        study: how its images are labelled.
        where: the key path of the study, for messages.
        shown: gives back the names of the files, which it may count as they are taken.

    Raises:
        MedcnnError: nothing to read, or a pattern that matches nothing.
    """
    listing, empty = labelling.listed(archive, study.labels, study.split, where), Counter[str]()
    with temporary_file() as file:
        thumbnails = Thumbnails(file)
        seen = inspecting.inspected(archive, study, shown(listing.rows["path"]), thumbnails, empty)
        facts = tables.collected(seen, inspecting.FACTS)
        listed = _with_patients(_of_pictures(listing.rows, facts), facts["patient"], study, where)
        as_found, listed = listed, correcting.corrected(listed, study.labels, where)
        masks = _masks(listing.rows["path"].tolist(), facts)
        relatives = related(
            facts["sha256"], facts["phash"], listed["patient"], facts["file"], thumbnails.grey, study.split.duplicates,
            _of_masks(masks, facts["file"]),
        )  # fmt: skip
        strange = tuple(_strange(listed, facts, relatives, thumbnails))
    doubts = (
        *listing.doubts, *file_doubts.unreadable(listed, facts), *file_doubts.empty(empty),
        *file_doubts.several(facts, listed["path"]), *file_doubts.untaken_patients(listed["patient"], facts["patient"]),
        *companions.doubted(listing.rows["path"].tolist(), masks), *strange,
    )  # fmt: skip
    return Looks(listed, facts, relatives, doubts, correcting.facts(as_found, listed))


def dealt(looks: Looks, study: Study, seed: int, where: str) -> Survey:
    """Deal the usable images to train, validation and test.

    Args:
        looks: what was seen of all images; without the archive, whose list of files is large.
        study: how they are dealt.
        seed: decides the split.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: an error among the doubts, or a split that cannot be made.
    """
    stop_at_error(looks.doubts, where)
    relatives, rows = looks.relatives, _rows(looks.listed, looks.facts, looks.relatives)
    placed = placing.placed(rows, relatives.groups, study, seed, where)
    published = placing.as_published(rows, study.split, seed)
    alone = shortcuts.doubted(placed, study.labels.class_names)
    doubts = (*looks.doubts, *doubting.of_split(placed, relatives, study), *alone)
    return Survey(placed, relatives, published, sorted_by_severity(doubts), looks.corrections)


def _rows(listed: pd.DataFrame, facts: pd.DataFrame, relatives: Relatives) -> pd.DataFrame:
    """The manifest's rows before they are dealt to parts, in the order of paths."""
    count, ids = len(listed), facts["image_id"]
    groups = relatives.patients.iloc[relatives.groups].reset_index(drop=True)
    first = relatives.exact == np.arange(count)
    empty = pd.Series([""], dtype=tables.TEXT).repeat(count).reset_index(drop=True)
    rows = listed[["path", "label", "part"]].assign(
        **{
            str(name): column
            for name, column in facts.drop(columns=["file", "mark", "pictures", "fault", "patient"]).items()
        },
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


def _of_pictures(listed: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """The rows of files as rows of their pictures, each under the name of its file and its mark."""
    rows = listed if len(listed) == len(facts) else listed.iloc[facts["file"]].reset_index(drop=True)
    return rows if (facts["mark"] == "").all() else rows.assign(path=rows["path"] + facts["mark"])


def _with_patients(listed: pd.DataFrame, tagged: pd.Series[str], study: Study, where: str) -> pd.DataFrame:
    """The rows, of which those without a patient take the one that their DICOM file names, if the study says so."""
    element = study.labels.dicom_group
    if element is None:
        return listed
    if (tagged == "").all():
        raise MedcnnError(f"{where}.labels.dicom_group: no file has a {element}; leave it empty, or name another")
    return listed.assign(patient=listed["patient"].mask(listed["patient"] == "", tagged))


def _masks(names: list[str], facts: pd.DataFrame) -> Companions:
    """The files that look like masks of others; tones are those of the first picture."""
    few = np.zeros(len(names), bool)
    first = facts.drop_duplicates("file")
    few[first["file"]] = first["tones"] > appearance.FEW_TONES
    return companions.found(names, few)


def _of_masks(masks: Companions, files: pd.Series[int]) -> npt.NDArray[np.int64]:
    """The pairs of files as pairs of their first pictures; files without pictures are left out."""
    pairs = np.array(list(masks.items()), np.int64).reshape(-1, 2)
    pairs = pairs[np.isin(pairs, files).all(axis=1)]
    return np.searchsorted(files, pairs)


def _strange(
    listed: pd.DataFrame, facts: pd.DataFrame, relatives: Relatives, thumbnails: Thumbnails
) -> Iterator[Doubt]:
    """Flat pictures, and pictures unlike the rest, among those that can be used."""
    usable = np.flatnonzero((facts["fault"] == "") & (listed["reason"] == ""))
    images = pd.concat([listed[["path", "label"]], facts[list(appearance.MEASURES)]], axis=1).iloc[usable]
    yield from appearance.flat(images)
    far = appearance.unlike_the_rest(lambda some: thumbnails.features(usable[some]), relatives.groups[usable])
    yield from appearance.unlike(images["path"], far & (images["spread"] >= appearance.FLAT).to_numpy())
