"""Read the HDF5 weights files that ``keras.applications`` publishes, layer by layer."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from medcnn.core.errors import MedcnnError


def read(path: Path) -> list[list[np.ndarray]]:
    """The arrays of every layer that has any, in the file's order, which is the order of the network's layers.

    Raises:
        MedcnnError: the file is broken, or of another kind.
    """
    try:
        with h5py.File(path) as file:
            root = file if "layer_names" in file.attrs else file["model_weights"]
            groups = [root[_text(name)] for name in root.attrs["layer_names"]]
            found = [[np.asarray(group[_text(name)]) for name in group.attrs["weight_names"]] for group in groups]
    # h5py raises OSError, KeyError, ValueError or RuntimeError, depending on where a file is broken.
    except Exception as error:
        raise MedcnnError(f"{path}: not a weights file of keras.applications, or a broken one") from error
    return [arrays for arrays in found if arrays]


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name
