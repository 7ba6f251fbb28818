"""Prepared pixels: few large ``.npy`` files, written as a stream and read as memory maps."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from medcnn import files
from medcnn.console import MedcnnError

IMAGES = "images.npy"
VIEWS = "views.npy"


def write(path: Path, shape: tuple[int, ...], chunks: Iterable[np.ndarray]) -> None:
    """Write a uint8 array of ``shape`` from chunks in order, holding one chunk in memory at a time.

    Raises:
        MedcnnError: the chunks hold fewer or more bytes than ``shape`` announces.
    """
    written = 0
    with files.replacing(path) as temporary, temporary.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks:
            written += file.write(np.ascontiguousarray(chunk, np.uint8).data)
        if written != int(np.prod(shape)):
            raise MedcnnError(f"{path.name}: {written} bytes of pixels where {shape} was announced")


def images(folder: Path) -> np.ndarray:
    """The memory-mapped images of a study, uint8 (N, H, W, 3), in the manifest's order of used rows."""
    return _mapped(folder / IMAGES)


def views(folder: Path) -> np.ndarray:
    """The memory-mapped augmented views of the training rows, uint8 (K, N_train, H, W, 3)."""
    return _mapped(folder / VIEWS)


def _mapped(path: Path) -> np.ndarray:
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise MedcnnError(f"{path} is missing or broken; run `dvc repro prepare`") from error
    return array
