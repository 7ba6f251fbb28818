"""From the bytes of a file to its pictures, whatever its name says that it is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from PIL import Image

from medcnn.reading import decode
from medcnn.reading.archive import Archive
from medcnn.reading.decode import UnreadableImageError
from medcnn.reading.formats import dicom, nifti, npy
from medcnn.reading.formats.frames import Chosen, Frames, every
from medcnn.reading.formats.pages import pages
from medcnn.reading.greys import Greys
from medcnn.reading.names import is_of_system, unmarked

Which = Literal["all", "first", "middle"]
VOLUMES = nifti.SUFFIXES
SUFFIXES = (*sorted(decode.SUFFIXES), *dicom.SUFFIXES, *VOLUMES, *npy.SUFFIXES)
"""Of all files that can be read, in lower case; DICOM files often have none."""
START = 1024
"""How many bytes of a file show what it is."""
_SIGNATURES = re.compile(
    rb"\x89PNG|\xff\xd8\xff|GIF8|BM.{4}\0\0\0\0|II[*+]\0|MM\0[*+]|RIFF.{4}WEBP|P[1-6]\s"
    rb"|\0\0\0\x0cj(P  |XL )|\xff\x4f\xff\x51|\xff\x0a|.{4}ftyp(avi[fs]|hei[cxms]|hev[cxms]|mif1|msf1)"
    rb"|NRRD000\d|(Comment|ObjectType|NDims) *=|SIMPLE  =|8BPS|II\xbc\x01|SDPX|XPDS",
    re.DOTALL,
)
"""How images begin, also of kinds that cannot be read: what is named in the manifest is not lost in silence."""
_CHOSEN: Mapping[Which, Chosen] = {
    "all": every,
    "first": lambda count: range(min(count, 1)),
    "middle": lambda count: range(count)[(count - 1) // 2 :][:1],
}


class Reading(Protocol):
    """How files become pictures: the block ``images`` of a study, or the card of an exported model."""

    @property
    def frames(self) -> Which:
        """Which pictures are taken of a file that has several."""

    @property
    def greys(self) -> Greys:
        """How greys and colours deeper than 8 bits are scaled."""


@dataclass(frozen=True)
class Picture:
    """One picture of a file.

    Attributes:
        mark: "" for the only picture of a file, "#3" for the third frame, slice or page.
        count: how many pictures the file has.
        image: upright, 8-bit RGB.
        mode: how its pixels are stored, in the words of its format.
        about: what a DICOM file says of how and of whom it was made, see ``dicom.ABOUT``.
    """

    mark: str
    count: int
    image: Image.Image
    mode: str
    about: Mapping[str, str]


def pictures(data: bytes, name: str, reading: Reading) -> Iterator[Picture]:
    """The pictures of a file in their order, decoded one at a time.

    Args:
        data: the bytes of the file.
        name: of the file; it counts for DICOM without a preamble alone.
        reading: which pictures are taken, and how they are shown.

    Raises:
        NoPictureError: a file of a known kind that is meant to hold no picture, such as a DICOM report.
        UnreadableImageError: it is not an image, or a broken one; pictures before the fault have been yielded.
    """
    for frame in _frames(data, name, _CHOSEN[reading.frames], reading.greys):
        mark = f"#{frame.number}" if frame.count > 1 else ""
        yield Picture(mark, frame.count, decode.to_rgb(frame.image, reading.greys), frame.mode, frame.about)


def named(archive: Archive, name: str, marks: Iterable[str], reading: Reading) -> Iterator[Image.Image]:
    """Some pictures of a file in an archive, 8-bit RGB, decoded one at a time; the file is read once.

    Args:
        archive: holds the file.
        name: of the file.
        marks: of the wanted pictures, in the order in which they lie in the file.
        reading: as when the marks were given.

    Raises:
        UnreadableMemberError: the file is damaged.
        UnreadableImageError: it has no such picture, or a broken one before it.
    """
    found = pictures(archive.read(name), name, reading)
    for mark in marks:
        picture = next((picture for picture in found if picture.mark == mark), None)
        if picture is None:
            raise UnreadableImageError(f"{archive.path}: {name!r} has no picture {mark!r}")
        yield picture.image


def parted(archive: Archive, path: str) -> tuple[str, str]:
    """The file and the mark of a picture, from the path that joins the two."""
    name = path if archive.holds(path) else unmarked(path)
    return name, path[len(name) :]


def may_hold_pictures(name: str, start: bytes = b"") -> bool:
    """Whether a file is worth opening: by its suffix, or by its first ``START`` bytes where those are given.

    What operating systems leave beside images is not, nor is the table of contents of a DICOM disc.
    """
    if is_of_system(name) or name.rpartition("/")[2].upper() == "DICOMDIR":
        return False
    if name.lower().endswith(SUFFIXES):
        return True
    starts = (dicom.starts_as_dicom, nifti.starts_as_nifti, npy.starts_as_array)
    return bool(_SIGNATURES.match(start)) or any(begins(start) for begins in starts)


def _frames(data: bytes, name: str, chosen: Chosen, greys: Greys) -> Frames:
    if nifti.starts_as_nifti(data):
        return nifti.slices(data, chosen, greys)
    if dicom.starts_as_dicom(data):
        return dicom.frames(data, chosen, greys)
    if npy.starts_as_array(data):
        return npy.images(data, chosen)
    return _frames_by_name(data, name, chosen, greys)


def _frames_by_name(data: bytes, name: str, chosen: Chosen, greys: Greys) -> Frames:
    """Pages of the usual formats; a file that is none, and that its name calls DICOM, is read as such."""
    found = pages(data, chosen)
    try:
        first = next(found)
    except UnreadableImageError:
        if not data or not name.lower().endswith(dicom.SUFFIXES):
            raise
        yield from dicom.frames(data, chosen, greys)
        return
    yield first
    yield from found
