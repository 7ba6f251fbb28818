"""Synthetic archives of many images for the scale benchmark: made once, in parallel, each whole or not at all.

python -m tests.bench.archives FOLDER IMAGES
"""

from __future__ import annotations

import io
import os
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed
from PIL import Image

from medcnn.core import files, seeding

CLASSES = ("clear", "left", "right", "both")
PER_PATIENT = 4
_CHUNK = 500
_LESIONS = {"clear": (), "left": (0.35,), "right": (0.65,), "both": (0.35, 0.65)}


def archive(folder: Path, images: int) -> Path:
    """The zip of so many images in ``folder``, made there if it is not yet; chunks of an interrupted run are kept.

    Half are JPEG and half PNG, a quarter in colour, 256 to 512 pixels a side, 10 to 40 kB, one folder per class, four a
    patient. Image k is the same in every archive.
    """
    whole = folder / f"{images}.zip"
    if not whole.exists():
        starts = range(0, images, _CHUNK)
        made = Parallel(n_jobs=len(os.sched_getaffinity(0)), return_as="generator")(
            delayed(_chunk)(folder / "chunks", start) for start in starts
        )
        with files.replacing(whole) as temporary, zipfile.ZipFile(temporary, "w") as target:
            for chunk in made:
                for name, data in _members(chunk, images):
                    target.writestr(zipfile.ZipInfo(name), data)
    return whole


def member(index: int) -> tuple[str, bytes]:
    """Name and bytes of image ``index``."""
    rng = seeding.derived("scale", index)
    label = CLASSES[index // PER_PATIENT % len(CLASSES)]
    picture = _picture(rng, label, colour=index % 8 < 2)
    buffer = io.BytesIO()
    kind, suffix = (("JPEG", "jpg"), ("PNG", "png"))[index % 2]
    picture.save(buffer, kind, quality=92)
    return f"{label}/patient_{index // PER_PATIENT:06d}_{index % PER_PATIENT}.{suffix}", buffer.getvalue()


def _chunk(folder: Path, start: int) -> Path:
    """The zip of images ``start`` to ``start + _CHUNK``."""
    path = folder / f"{start}.zip"
    if not path.exists():
        with files.replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as target:
            for index in range(start, start + _CHUNK):
                name, data = member(index)
                target.writestr(zipfile.ZipInfo(name), data)
    return path


def _members(chunk: Path, images: int) -> Iterator[tuple[str, bytes]]:
    start = int(chunk.stem)
    with zipfile.ZipFile(chunk) as source:
        for name in source.namelist()[: images - start]:
            yield name, source.read(name)


def _picture(rng: np.random.Generator, label: str, *, colour: bool) -> Image.Image:
    """Soft tissue in a round body on black, with a bright lesion on the sides that the class names."""
    width, height = (int(side) for side in rng.integers(256, 513, 2))
    x, y = np.meshgrid(np.linspace(0, 1, width, dtype=np.float32), np.linspace(0, 1, height, dtype=np.float32))
    tissue = 60 + 90 * _smooth(rng, 9, width, height) + 30 * _smooth(rng, 60, width, height)
    for place in _LESIONS[label]:
        along, radius = rng.uniform(0.3, 0.7), rng.uniform(0.04, 0.09)
        tissue += 80 * np.exp(-((x - place) ** 2 + (y - along) ** 2) / radius**2)
    half_width, half_height = rng.uniform(0.38, 0.48, 2)
    tissue *= ((x - 0.5) / half_width) ** 2 + ((y - 0.5) / half_height) ** 2 < 1
    grey = np.clip(tissue, 0, 255).astype(np.uint8) & 0xFC
    if not colour:
        return Image.fromarray(grey)
    return Image.merge("RGB", [Image.fromarray(grey // part * 2) for part in (2, 3, 4)])


def _smooth(rng: np.random.Generator, cells: int, width: int, height: int) -> np.ndarray:
    """Values of about 0 to 1, float32 (height, width), that change over a ``cells``-th of the picture."""
    coarse = Image.fromarray(rng.random((cells, cells), np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))


if __name__ == "__main__":
    archive(Path(sys.argv[1]), int(sys.argv[2]))
