"""One picture among several in a file: frames, slices and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from medcnn.reading.decode import Stored, UnreadableImageError

Chosen = Callable[[int], Sequence[int]]
"""Which pictures are wanted of a file that has so many, as numbers from 0 that rise."""


@dataclass(frozen=True)
class Frame:
    """One picture of a file.

    Attributes:
        number: of the picture in its file, from "1"; "17,2" is the 17th slice of the second volume.
        count: how many pictures the file has.
        mode: how its pixels are stored, in the words of the format.
        image: in that mode, or 8-bit RGB where the format says how it is shown.
        about: what the file says of how and of whom it was made; only DICOM says so.
    """

    number: str
    count: int
    mode: str
    image: Stored
    about: Mapping[str, str] = field(default_factory=dict)


Frames = Iterator[Frame]


class NoPictureError(UnreadableImageError):
    """A whole file of a known kind that is not meant to hold a picture; the text says what it is."""


def every(count: int) -> range:
    """All pictures of a file."""
    return range(count)
