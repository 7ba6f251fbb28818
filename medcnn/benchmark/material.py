"""What engines are fed and judged with: the test images of a study, as pixels and as files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from medcnn.dataset import heldout, manifest
from medcnn.dataset.heldout import HeldOut
from medcnn.measures.curves import Integers
from medcnn.params.studies import Study
from medcnn.reading import decode
from medcnn.reading.archive import open_archive, raw_archive
from medcnn.reading.decode import Fit
from medcnn.runtime import paths

ORIGINALS = 8
"""How many images are decoded anew, again and again."""
_PNG_MODES = {"L", "RGB"}


@dataclass(frozen=True)
class Material:
    """The test images of a study.

    Attributes:
        test: As prepared.
        prepared: The folder of the prepared images.
        labels: (N,) indices of classes, the truth.
        groups: N names of patients, joined with their duplicates.
        originals: The first of them as published, decoded, in their own size and mode.
        fit: How they are brought to the size of the prepared ones.
    """

    test: HeldOut
    prepared: Path
    labels: Integers
    groups: tuple[str, ...]
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
        return decode.resize(decode.to_rgb(original), self.image_size, self.fit)[None].astype(np.float32)

    def written(self, folder: Path) -> list[str]:
        """The paths of the originals, written as PNG files."""
        written = [folder / f"{number}.png" for number in range(len(self.originals))]
        for path, original in zip(written, self.originals, strict=True):
            (original if original.mode in _PNG_MODES else decode.to_rgb(original)).save(path)
        return list(map(str, written))


def read(study: str, block: Study) -> Material:
    """The test images of a study.

    Raises:
        MedcnnError: There are none, or the raw data or the prepared pixels are missing.
    """
    test, rows = heldout.read(study), manifest.used(paths.manifest(study))
    tested = [rows[index] for index in test.indices]
    with open_archive(raw_archive(paths.raw(study))) as archive:
        originals = tuple(decode.open_image(archive.read(row.path)) for row in tested[:ORIGINALS])
    return Material(
        test=test,
        prepared=paths.prepared(study),
        labels=np.array([block.class_names.index(label) for label in test.labels]),
        groups=tuple(row.group for row in tested),
        originals=originals,
        fit=block.fit,
    )
