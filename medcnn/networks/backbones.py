"""Backbones alone: from preprocessed images to one vector an image."""

from __future__ import annotations

import keras
from keras import layers

from medcnn.core.errors import MedcnnError
from medcnn.networks import registry
from medcnn.networks.naming import rename
from medcnn.params.catalogue import BACKBONES

CHANNELS = 3
_POOLING = {
    "flatten": layers.Flatten,
    "average": layers.GlobalAveragePooling2D,
    "max": layers.GlobalMaxPooling2D,
}


def build_backbone(name: str, pooling: str, image_size: int) -> keras.Model:
    """An untrained backbone: from ``pixels`` (batch, image_size, image_size, 3) to features (batch, F).

    Raises:
        MedcnnError: no such backbone, or the image is too small for it.
    """
    body = registry.body(name)
    smallest = BACKBONES[name].smallest
    if image_size < smallest:
        raise MedcnnError(f"image_size {image_size} is too small for backbone '{name}': it needs at least {smallest}")
    pixels = keras.Input((image_size, image_size, CHANNELS), name="pixels")
    return rename(keras.Model(pixels, _POOLING[pooling](name="pooling")(body(pixels)), name="backbone"))
