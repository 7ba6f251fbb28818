"""The arrays of one layer in a ``.keras`` file replaced without Keras, to the bytes that Keras would have written."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from medcnn.core.zips import write_zip

WEIGHTS = "model.weights.h5"


def place(path: Path, first: np.ndarray) -> str:
    """Where the layer stands whose first array, such as a kernel, is ``first``.

    Raises:
        ValueError: none or several have it.
    """
    found = []

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset) and item.shape == first.shape and np.array_equal(item, first):
            found.append(name.rpartition("/")[0])

    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read(WEIGHTS))) as file:
        file.visititems(visit)
    (only,) = found
    return only


def write(source: Path, place: str, arrays: Sequence[np.ndarray], target: Path) -> None:
    """Write the file ``source`` as ``target`` with other arrays of the layer at ``place``, of the same shapes."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    weights = io.BytesIO(members[WEIGHTS])
    with h5py.File(weights, "r+") as file:
        for number, array in enumerate(arrays):
            file[f"{place}/{number}"][...] = array
    write_zip(target, (members | {WEIGHTS: weights.getvalue()}).items())
