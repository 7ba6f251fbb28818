"""Sets of images in one array, as MedMNIST publishes them, seen as folders: ``set.npz/train/1/00017.npy``.

The parts and the labels that an ``.npz`` names become folders, so that whatever reads labels and parts from folders
reads these too; labels of several findings become a table, ``set.npz/labels.csv``. Nothing is unpickled.
"""

from __future__ import annotations

import csv
import io
import re
import threading
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import IO

import numpy as np

from medcnn.core.errors import MedcnnError
from medcnn.reading.formats import npy
from medcnn.reading.members import BROKEN, READ_LIMIT, Archive, UnreadableMemberError, damage_named, means_damage
from medcnn.reading.names import is_of_system, printable
from medcnn.reading.unfolding import temporary_file, unfolding_limit

MOST_SETS = 64
"""How many ``.npz`` an archive may hold for each of them to be opened; where there are more, each is one image."""
TABLE = "labels.csv"
_PARTS = "train(?:ing)?|val(?:id(?:ation)?)?|dev|test(?:ing)?"
_IMAGES = "images?|imgs?|x|data|samples"
_LABELS = "labels?|y|targets?|classes"
_ROLE = re.compile(
    rf"(?P<before>{_PARTS})?[_-]*(?:(?P<images>{_IMAGES})|(?P<labels>{_LABELS}))[_-]*(?P<after>{_PARTS})?"
)
_DIGITS = 5
_NUMBER = re.compile(r"\d+")
_FORBIDDEN = re.compile(r"[/\\]|^\.+")


class ArrayArchive(Archive):
    """An archive in which every set of images in arrays is a folder of ``.npy`` files, one for each image."""

    def __init__(self, archive: Archive, sets: Sequence[ImageSet], hidden: Sequence[str]) -> None:
        super().__init__(archive.path)
        self.left_out, self.block = archive.left_out, archive.block
        self._archive, self._sets, self._hidden = archive, {one.name: one for one in sets}, frozenset(hidden)

    def names(self) -> list[str]:
        """See ``Archive.names``."""
        plain = [name for name in self._archive.names() if name not in self._hidden]
        return sorted([*plain, *(name for one in self._sets.values() for name in one.names())])

    def size(self, name: str) -> int:
        """See ``Archive.size``."""
        one = self._set_of(name)
        return len(one.read(name)) if one else self._archive.size(name)

    def read(self, name: str, limit: int = READ_LIMIT) -> bytes:
        """See ``Archive.read``."""
        one = self._set_of(name)
        return one.read(name) if one else self._archive.read(name, limit)

    def holds(self, name: str) -> bool:
        """See ``Archive.holds``."""
        one = self._set_of(name)
        return one.holds(name) if one else name not in self._hidden and self._archive.holds(name)

    def close(self) -> None:
        """Close the archive and forget its arrays."""
        for one in self._sets.values():
            one.close()
        self._archive.close()

    def _open(self, name: str) -> IO[bytes]:
        one = self._set_of(name)
        return io.BytesIO(one.read(name)) if one else self._archive._open(name)

    def _set_of(self, name: str) -> ImageSet | None:
        return next((one for one in self._sets.values() if name.startswith(f"{one.name}/")), None)


def with_arrays(archive: Archive) -> Archive:
    """The archive, seen with folders in place of its sets of images in arrays; itself where it holds none.

    Raises:
        MedcnnError: labels and images of a set differ in number, or cannot be read without unpickling.
    """
    names = archive.names()
    if names and all(name.endswith(".npy") for name in names) and archive.path.is_file():
        one = _image_set(archive.path.name, zipfile.ZipFile(archive.path), unfolding_limit(archive.path))
        return ArrayArchive(archive, [one], names) if one else archive
    packed = [name for name in names if name.lower().endswith(".npz") and not is_of_system(name)]
    if len(packed) > MOST_SETS:
        return archive
    sets = [one for one in (_unpacked(archive, name) for name in packed) if one]
    return ArrayArchive(archive, sets, [one.name for one in sets]) if sets else archive


@dataclass(frozen=True)
class _Part:
    """A part of a set: its name ('' for the only one), its images, and their labels, (N,) text or (N, K) numbers."""

    name: str
    images: _Images
    labels: np.ndarray | None


class ImageSet:
    """The images of an ``.npz``, by part and label.

    Attributes:
        name: of the ``.npz`` in its archive.
    """

    def __init__(self, name: str, parts: Sequence[_Part], file: zipfile.ZipFile) -> None:
        self.name = name
        self._parts = {part.name: part for part in parts}
        self._file = file

    def names(self) -> Iterator[str]:
        """The names of the images, and of the table of labels where there are several labels an image."""
        for part in self._parts.values():
            yield from (f"{self.name}/{_place(part, index)}" for index in range(part.images.shape[0]))
        if self._table:
            yield f"{self.name}/{TABLE}"

    def holds(self, name: str) -> bool:
        """Whether there is an image, or a table, of this name."""
        return self._found(name) is not None or (name == f"{self.name}/{TABLE}" and bool(self._table))

    def read(self, name: str) -> bytes:
        """The image as an ``.npy``, or the table as a CSV.

        Raises:
            MedcnnError: there is no such image.
        """
        found = self._found(name)
        if found is None and name == f"{self.name}/{TABLE}" and self._table:
            return self._table
        if found is None:
            raise MedcnnError(f"{self.name} holds no file {name!r}")
        part, index = found
        file = io.BytesIO()
        with damage_named(name):
            np.lib.format.write_array(file, np.ascontiguousarray(part.images[index]), allow_pickle=False)
        return file.getvalue()

    def close(self) -> None:
        """Forget the arrays."""
        self._file.close()

    @cached_property
    def _table(self) -> bytes:
        several = [part for part in self._parts.values() if part.labels is not None and part.labels.ndim == 2]
        if not several:
            return b""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["image", "part", *map(str, range(several[0].labels.shape[1]))])  # type: ignore[union-attr]
        for part in several:
            for index, labels in enumerate(part.labels.tolist()):  # type: ignore[union-attr]
                writer.writerow([_place(part, index), part.name, *labels])
        return text.getvalue().encode()

    def _found(self, name: str) -> tuple[_Part, int] | None:
        place = name.removeprefix(f"{self.name}/")
        number = place.rpartition("/")[2].removesuffix(".npy")
        part = self._parts.get(place.split("/")[0]) or self._parts.get("")
        if part is None or not _NUMBER.fullmatch(number) or int(number) >= part.images.shape[0]:
            return None
        return (part, int(number)) if _place(part, int(number)) == place else None


class _Images:
    """An array of images, (N, H, W, ...), unfolded into a temporary file when the first of them is read."""

    def __init__(self, file: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> None:
        self._file, self._member, self._limit, self._lock = file, member, limit, threading.Lock()
        with file.open(member) as opened:
            self.shape, self._fortran, self._kind = npy.header(opened)
        self._each = int(np.prod(self.shape[1:], dtype=object)) * self._kind.itemsize
        if self._each > READ_LIMIT:
            raise ValueError(f"images of {self._each} bytes, more than {READ_LIMIT} allowed")

    def __getitem__(self, index: int) -> np.ndarray:
        with self._lock:
            spool = self._spool
        # Mapped anew for each image, so that the pages that were read do not stay.
        if self._fortran:
            return np.memmap(spool, self._kind, "r", shape=self.shape, order="F")[index]
        return np.memmap(spool, self._kind, "r", index * self._each, self.shape[1:])

    @cached_property
    def _spool(self) -> IO[bytes]:
        spool, wanted = temporary_file(), self._each * self.shape[0]
        with self._file.open(self._member) as packed:
            npy.header(packed)
            while spool.tell() <= min(wanted, self._limit) and (block := packed.read(1 << 16)):
                spool.write(block)
        spool.flush()
        if spool.tell() != wanted:
            raise UnreadableMemberError(f"{self._member.filename} does not hold the {wanted} bytes that it states")
        return spool


def _unpacked(archive: Archive, name: str) -> ImageSet | None:
    """The set in an ``.npz`` of an archive, which is copied to a temporary file, as zips are read from their end."""
    limit, spool = unfolding_limit(archive.path), temporary_file()
    archive.copy_to(name, spool, limit)
    try:
        file = zipfile.ZipFile(spool)
    except BROKEN:
        return None
    return _image_set(name, file, limit)


def _image_set(name: str, file: zipfile.ZipFile, limit: int) -> ImageSet | None:
    """The parts of a set; None for an ``.npz`` whose arrays are not named as images and labels are."""
    images, labels = _named(name, file)
    try:
        parts = [_Part(part, _Images(file, member, limit), None) for part, member in images.items()]
        labelled = [replace(part, labels=_labels(file, labels.get(part.name), part.images)) for part in parts]
    except (OSError, *BROKEN) as error:
        if isinstance(error, OSError) and not means_damage(error):
            raise
        raise MedcnnError(f"{name}: {error}") from error
    are_sets = all(len(part.images.shape) > 2 and (part.name or part.labels is not None) for part in labelled)
    return ImageSet(name, labelled, file) if labelled and are_sets else None


def _named(name: str, file: zipfile.ZipFile) -> tuple[dict[str, zipfile.ZipInfo], dict[str, zipfile.ZipInfo]]:
    """The arrays of images, and those of labels, by the part that their names say."""
    images, labels = dict[str, zipfile.ZipInfo](), dict[str, zipfile.ZipInfo]()
    for member in file.infolist():
        role = _ROLE.fullmatch(member.filename.removesuffix(".npy").lower())
        if role:
            part, found = role["before"] or role["after"] or "", images if role["images"] else labels
            if part in found:
                raise MedcnnError(f"{name}: {found[part].filename} and {member.filename} may be the same; remove one")
            found[part] = member
    return images, labels


def _labels(file: zipfile.ZipFile, member: zipfile.ZipInfo | None, images: _Images) -> np.ndarray | None:
    """Labels as text (N,), or as numbers (N, K) where an image has several; None for masks, which are no labels.

    Raises:
        ValueError: they are not as many as the images, or too many bytes.
    """
    if member is None:
        return None
    with file.open(member) as opened:
        shape, _, _ = npy.header(opened)
    if len(shape) not in (1, 2):
        return None
    if shape[0] != images.shape[0] or member.file_size > READ_LIMIT:
        raise ValueError(f"{member.filename} has {shape[0]} labels, and there are {images.shape[0]} images")
    with file.open(member) as opened:
        labels = np.lib.format.read_array(io.BytesIO(opened.read(READ_LIMIT)), allow_pickle=False)
    if labels.dtype.kind in "bf" and (labels == labels.astype(np.int64)).all():
        labels = labels.astype(np.int64)
    return labels.reshape(len(labels), -1)[:, 0].astype(str) if labels.size == len(labels) else labels


def _place(part: _Part, index: int) -> str:
    """Where an image lies in its set: part, label and number, as far as there are such."""
    label = "" if part.labels is None or part.labels.ndim > 1 else _FORBIDDEN.sub("_", printable(part.labels[index]))
    number = str(index).zfill(max(_DIGITS, len(str(part.images.shape[0] - 1))))
    return "/".join(filter(None, (part.name, label.strip(), f"{number}.npy")))
