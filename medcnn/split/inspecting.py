"""One file of the raw data looked at: the facts, the hashes and the thumbnails of its pictures."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, islice
from typing import NamedTuple

from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest
from medcnn.grouping.missing import is_missing
from medcnn.reading.archive import Archive, UnreadableMemberError
from medcnn.reading.decode import UnreadableImageError
from medcnn.reading.formats.frames import NoPictureError
from medcnn.reading.pictures import Picture, pictures
from medcnn.runtime.threads import in_order
from medcnn.split import appearance
from medcnn.split.settings import Study
from medcnn.split.thumbnails import Thumbnails, thumbnail

Facts = tuple[object, ...]
FACTS = {
    "file": int, "mark": str, "pictures": int, "image_id": str, "bytes": int, "sha256": str, "width": int,
    "height": int, "mode": str, "fault": str, "patient": str, "scanner": str, "phash": str, **appearance.MEASURES,
}  # fmt: skip
"""What is read of one picture: its file, as a position in the listing, its mark there and how many pictures the file
has; ``fault`` is empty where it could be decoded. Of a file with several, the hash is that of the file and the mark.
A DICOM file says its ``scanner`` and its ``patient``, of whom no more than a hash is kept."""
PATIENT = "PatientID"
"""The element of DICOM that names the patient unless the study says another."""
_LOCALISER = "LOCALIZER"
_SCANNER = ("Modality", "Manufacturer", "ManufacturerModelName")
_NOTHING = ("", *(0.0 for _ in appearance.MEASURES))
_AT_ONCE = 256


class Look(NamedTuple):
    """The facts of a picture but those that its thumbnail tells, and that thumbnail, b"" where it is unreadable."""

    facts: Facts
    thumbnail: bytes


def inspected(
    archive: Archive, study: Study, names: Iterable[str], thumbnails: Thumbnails, empty: Counter[str]
) -> Iterator[Facts]:
    """The facts of each picture of some files; thumbnails go to a file, as those of all would fill the memory.

    A file that is meant to hold no picture is counted in ``empty``, by its kind.
    """
    every = in_order(partial(_inspect, archive, study), enumerate(names), len(os.sched_getaffinity(0)))
    looks = _without_empty(chain.from_iterable(every), empty)
    while some := list(islice(looks, _AT_ONCE)):
        greys, hashes = thumbnails.add([look.thumbnail for look in some])
        for look, code, measures in zip(some, hashes, appearance.measured(greys).tolist(), strict=True):
            yield (*look.facts, *((code, *measures) if look.thumbnail else _NOTHING))


def _without_empty(looks: Iterable[Look | str], empty: Counter[str]) -> Iterator[Look]:
    for look in looks:
        if isinstance(look, str):
            empty[look] += 1
        else:
            yield look


def _inspect(archive: Archive, study: Study, file: tuple[int, str]) -> list[Look | str]:
    """The facts and the thumbnails of the pictures of a file, or what it is if it is meant to hold none."""
    position, path = file
    try:
        data = archive.read(path)
    except UnreadableMemberError as error:
        return [_unreadable(file, archive.size(path), "", "", str(error))]
    digest, looks = hashlib.sha256(data).hexdigest(), list[Look | str]()
    try:
        for picture in pictures(data, path, study.images):
            if _LOCALISER in picture.about.get("ImageType", ""):
                return ["a DICOM localiser, which only plans a scan"]
            _check_mark(archive, path, picture.mark)
            patient = _pseudonym(picture.about.get(study.labels.dicom_group or PATIENT, ""))
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
    scanner = " ".join(picture.about[key] for key in _SCANNER if key in picture.about)
    return Look((*known, *rgb.size, picture.mode, "", patient, scanner), thumbnail(rgb))


def _pseudonym(name: str) -> str:
    """What stands for a patient in every file that is written; '' where none is named."""
    return "" if is_missing(name) else f"dicom-{hashlib.sha256(name.encode()).hexdigest()[:12]}"


def _unreadable(file: tuple[int, str], size: int, digest: str, mark: str, fault: str) -> Look:
    position, path = file
    return Look((position, mark, 1, manifest.image_id(path + mark), size, digest, 0, 0, "", fault, "", ""), b"")


def _check_mark(archive: Archive, path: str, mark: str) -> None:
    if mark and archive.holds(path + mark):
        raise MedcnnError(f"{path} holds several pictures, and its picture {path}{mark} is a file too; rename one")
