"""From a raw archive to the manifest: what every image is, whose it is, and on which side it stands."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from medcnn.core import tables
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest
from medcnn.dataset.doubts import Doubt, sorted_by_severity, stop_at_error
from medcnn.dataset.manifest import PARTS, USED
from medcnn.grouping import duplicates
from medcnn.grouping.missing import is_missing
from medcnn.grouping.relatives import Relatives, related
from medcnn.reading.archive import Archive, UnreadableMemberError
from medcnn.reading.decode import UnreadableImageError
from medcnn.reading.formats.frames import NoPictureError
from medcnn.reading.pictures import Picture, pictures
from medcnn.reading.unfolding import temporary_file
from medcnn.runtime.threads import in_order
from medcnn.split import appearance, companions, doubting, labelling, placing, shortcuts
from medcnn.split.companions import Companions
from medcnn.split.settings import Study
from medcnn.split.thumbnails import NONE, Thumbnail, Thumbnails, thumbnail

Facts = tuple[object, ...]
FACTS = {
    "file": int, "mark": str, "pictures": int, "image_id": str, "bytes": int, "sha256": str, "width": int,
    "height": int, "mode": str, "phash": str, "fault": str, **appearance.MEASURES, "patient": str, "scanner": str,
}  # fmt: skip
"""What is read of one picture: its file, as a position in the listing, its mark there and how many pictures the file
has; ``fault`` is empty where it could be decoded. Of a file with several, the hash is that of the file and the mark.
A DICOM file says its ``scanner``, and its ``patient`` where the study asks for it."""
_SCANNER = ("Modality", "Manufacturer", "ManufacturerModelName")
Look = tuple[Facts, Thumbnail] | str
"""The facts and the thumbnail of a picture; or what a file is that is meant to hold none."""
_SHOWN = 5


@dataclass(frozen=True)
class Looks:
    """What was seen of every picture: its row of the ``Listing``, ``FACTS``, its relatives, what is doubtful so far."""

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
    listing, empty = labelling.listed(archive, study.labels, where), Counter[str]()
    with temporary_file() as file:
        thumbnails = Thumbnails(file)
        seen = _inspected(partial(_inspect, archive, study), shown(listing.rows["path"]), thumbnails, empty)
        facts = tables.collected(seen, FACTS)
        listed = _with_patients(_of_pictures(listing.rows, facts), facts["patient"], study, where)
        masks = _masks(listing.rows["path"].tolist(), facts)
        relatives = related(
            facts["sha256"], facts["phash"], listed["patient"], facts["file"], thumbnails.grey, study.split.duplicates,
            _of_masks(masks, facts["file"]),
        )  # fmt: skip
        strange = tuple(_strange(listed, facts, relatives, thumbnails))
    doubts = (
        *listing.doubts, *_empty(empty), *_several(facts, listed["path"]),
        *companions.doubted(listing.rows["path"].tolist(), masks), *strange,
    )  # fmt: skip
    return Looks(listed, facts, relatives, doubts)


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
    told = shortcuts.doubted(placed, study.labels.class_names)
    doubts = (*looks.doubts, *doubting.of_split(placed, relatives, study), *told)
    return Survey(placed, relatives, published, sorted_by_severity(doubts))


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
    """The rows, of which those without a patient take the one that their DICOM file names."""
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
    far = appearance.unlike_the_rest(thumbnails.features(usable), relatives.groups[usable])
    yield from appearance.unlike(images["path"], far & (images["spread"] >= appearance.FLAT).to_numpy())


def _empty(reasons: Counter[str]) -> Iterator[Doubt]:
    """Files that are meant to hold no picture, such as the reports of a DICOM study."""
    for reason, count in sorted(reasons.items()):
        yield Doubt("note", "files_without_picture", f"{count} files were passed over: each is {reason}", count)


def _several(facts: pd.DataFrame, paths: pd.Series[str]) -> Iterator[Doubt]:
    """Files of several pictures."""
    files = facts[facts["pictures"] > 1].drop_duplicates("file")
    if len(files):
        all_of_them, taken = int(files["pictures"].sum()), int((facts["pictures"] > 1).sum())
        text = (
            f"{len(files)} files hold {all_of_them} pictures (frames, slices or pages), of which {taken} are taken, as "
            "those of one patient per file; images.frames says which"
        )
        yield Doubt("note", "several_pictures", text, len(files), tuple(paths[files.index[:_SHOWN]]))


def _inspected(
    inspect: Callable[[tuple[int, str]], list[Look]], names: Iterable[str], thumbnails: Thumbnails, empty: Counter[str]
) -> Iterator[Facts]:
    """The facts of each picture; its thumbnail is written to a file, as those of all would fill the memory.

    A file that is meant to hold no picture is counted in ``empty``, by its kind.
    """
    for looks in in_order(inspect, enumerate(names), len(os.sched_getaffinity(0))):
        for look in looks:
            if isinstance(look, str):
                empty[look] += 1
            else:
                facts, thumbnail = look
                thumbnails.add(thumbnail)
                yield facts


def _inspect(archive: Archive, study: Study, file: tuple[int, str]) -> list[Look]:
    """The facts and the thumbnails of the pictures of a file, or what it is if it is meant to hold none."""
    position, path = file
    try:
        data = archive.read(path)
    except UnreadableMemberError as error:
        return [_unreadable(file, archive.size(path), "", "", str(error))]
    digest, looks = hashlib.sha256(data).hexdigest(), list[Look]()
    try:
        for picture in pictures(data, path, study.images):
            _check_mark(archive, path, picture.mark)
            patient = _pseudonym(picture.about.get(study.labels.dicom_group or "", ""))
            looks.append(_look(position, path, picture, len(data), digest, patient))
    except NoPictureError as error:
        return [str(error)]
    except UnreadableImageError as error:
        mark = f"#{len(looks) + 1}" if looks else ""
        looks.append(_unreadable(file, len(data), digest, mark, str(error)))
    return looks


def _look(position: int, path: str, picture: Picture, size: int, digest: str, patient: str) -> Look:
    rgb, mark = picture.image, picture.mark
    content = hashlib.sha256(f"{digest}{mark}".encode()).hexdigest() if mark else digest
    known = (position, mark, picture.count, manifest.image_id(path + mark), size, content)
    grey = rgb.convert("L")
    small = duplicates.thumbnail(grey)
    seen = (*rgb.size, picture.mode, duplicates.perceptual_hash(grey), "", *appearance.measured(small))
    scanner = " ".join(picture.about[key] for key in _SCANNER if key in picture.about)
    return (*known, *seen, patient, scanner), thumbnail(rgb, small)


def _pseudonym(name: str) -> str:
    """What stands for a patient in every file that is written; '' where none is named."""
    return "" if is_missing(name) else f"dicom-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _unreadable(file: tuple[int, str], size: int, digest: str, mark: str, fault: str) -> Look:
    position, path = file
    nothing: list[float] = [0.0] * len(appearance.MEASURES)
    return (
        position,
        mark,
        1,
        manifest.image_id(path + mark),
        size,
        digest,
        0,
        0,
        "",
        "",
        fault,
        *nothing,
        "",
        "",
    ), NONE


def _check_mark(archive: Archive, path: str, mark: str) -> None:
    if mark and archive.holds(path + mark):
        raise MedcnnError(f"{path} holds several pictures, and its picture {path}{mark} is a file too; rename one")
