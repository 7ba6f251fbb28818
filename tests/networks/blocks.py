"""Model blocks of params.yaml, and files of weights, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from medcnn.params.catalogue import catalogue
from medcnn.params.shared.models import Model
from medcnn.params.shared.scaling import PREPROCESSING, Preprocessing
from tests.lazy import lazy

keras = lazy("keras")
building = lazy("medcnn.networks.building")
legacy_h5_format = lazy("keras.src.legacy.saving.legacy_h5_format")


def settings(backbone: str, pooling: str = "average", **changes: Any) -> Model:
    """A block with as little in it as may be."""
    layers = {"backbone": backbone, "weights": "none", "pooling": pooling}
    return Model.model_validate({**layers, "learning_rate": 0.001, "epochs": 1, "patience": 1, **changes})


def built(
    model: Model, size: int, classes: int, weights: Path = Path("nowhere"), steps: Preprocessing | None = None
) -> keras.Model:
    """An untrained model, with its backbone's own preprocessing unless the block or ``steps`` says otherwise."""
    name = model.preprocessing or catalogue().backbones[model.backbone].preprocessing
    return building.build(model, size, classes, steps or PREPROCESSING[name], weights)


def pixels(count: int, size: int) -> np.ndarray:
    """Random images."""
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype("float32")


def keras_file(path: Path, network: keras.Model) -> Path:
    """The network's weights as keras.applications publishes them, written by Keras."""
    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)
    return path
