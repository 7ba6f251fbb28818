"""The images that engines are timed and judged on: the test part of a study, as pixels and as files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from medcnn.dataset import manifest, part
from medcnn.dataset.part import Part
from medcnn.params.shared.classes import Prepared
from medcnn.reading import decode
from medcnn.reading.archive import Archive, open_archive, raw_archive
from medcnn.reading.decode import Fit
from medcnn.reading.pictures import Reading, named, parted
from medcnn.runtime import paths

ORIGINALS = 8
"""How many images are decoded anew, again and again."""


@dataclass(frozen=True)
class Material:
    """The test images of a study.

    Attributes:
        test: the images as prepared.
        prepared: the folder of the prepared images.
        originals: the first test images as published, decoded, 8-bit RGB in their own size.
        fit: how originals are brought to the size of the prepared images.
    """

    test: Part
    prepared: Path
    originals: tuple[Image.Image, ...]
    fit: Fit

    @property
    def image_size(self) -> int:
        """The side of a prepared image."""
        return int(self.test.images.shape[1])

    def checksum(self, count: int) -> str:
        """The sha256 of the first test images, as float32."""
        return hashlib.sha256(self.test.first(count).tobytes()).hexdigest()

    def input_array(self, number: int) -> np.ndarray:
        """An original made the array that engines take, float32 (1, H, W, 3), 0..255."""
        original = self.originals[number % len(self.originals)]
        return decode.resize(original, self.image_size, self.fit)[None].astype(np.float32)

    def written(self, folder: Path) -> list[str]:
        """The paths of the originals, written as PNG files."""
        written = [folder / f"{number}.png" for number in range(len(self.originals))]
        for path, original in zip(written, self.originals, strict=True):
            original.save(path)
        return list(map(str, written))


def read(study: str, block: Prepared) -> Material:
    """The test images of a study.

    Raises:
        MedcnnError: there are none, or the raw data or the prepared pixels are missing.
    """
    test, rows = part.read(study, block.labels.class_names), manifest.used(paths.manifest(study), "path")
    first = rows["path"].iloc[test.indices[:ORIGINALS]]
    with open_archive(raw_archive(paths.raw(study))) as archive:
        originals = tuple(_original(archive, path, block.images) for path in first)
    return Material(test, paths.prepared(study), originals, block.images.fit)


def _original(archive: Archive, path: str, reading: Reading) -> Image.Image:
    name, mark = parted(archive, path)
    return next(named(archive, name, [mark], reading))
