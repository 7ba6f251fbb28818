"""Whose images DICOM files say that they are, from a few of them."""

from __future__ import annotations

from collections.abc import Sequence

from medcnn.params.shared.images import Reading
from medcnn.reading.archive import Archive
from medcnn.reading.decode import UnreadableImageError
from medcnn.reading.formats.dicom import starts_as_dicom
from medcnn.reading.members import UnreadableMemberError
from medcnn.reading.pictures import START, pictures
from medcnn.split.inspecting import PATIENT

_FILES = 24
"""Files that are looked into; the survey looks into all of them."""


def patients(archive: Archive, images: Sequence[str]) -> int:
    """How many patients some files of a set name, spread over it; 0 where they are no DICOM or name none."""
    some = images[:: -(-len(images) // _FILES)]
    return len({patient for name in some if (patient := _patient(archive, name))})


def _patient(archive: Archive, name: str) -> str:
    try:
        if not starts_as_dicom(archive.start(name, START)):
            return ""
        return next(pictures(archive.read(name), name, Reading())).about.get(PATIENT, "")
    except (UnreadableMemberError, UnreadableImageError, StopIteration):
        return ""
