"""From pixels of 0..255 to what a network was trained on, as layers that Keras has built in."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from medcnn.dataset.shards import Rows
from medcnn.networks.naming import rename
from medcnn.params.shared.scaling import Preprocessing

_CHUNK = 256


def layer(steps: Preprocessing, size: int) -> keras.layers.Layer:
    """A layer named ``preprocessing``, from pixels (batch, size, size, 3) to the same shape.

    It computes in float32 whatever the precision of the network behind it.
    """
    if not steps.bgr:
        return _scaling(steps, "preprocessing")
    pixels = keras.Input((size, size, 3), name="pixels")
    turned = keras.ops.take(pixels, [2, 1, 0], axis=-1)
    return rename(keras.Model(pixels, _scaling(steps, "scaling")(turned), name="preprocessing"))


def measured(images: Rows, indices: Sequence[int]) -> Preprocessing:
    """The preprocessing that gives every channel mean 0 and deviation 1 over some of the images.

    Args:
        images: uint8 (N, H, W, 3), read a few at a time.
        indices: which of them to measure, at least one.

    Returns:
        Scale and offset per channel. A channel that never changes keeps its scale.
    """
    total, squares = np.zeros(3, np.int64), np.zeros(3, np.int64)
    for start in range(0, len(indices), _CHUNK):
        values = images[list(indices[start : start + _CHUNK])].reshape(-1, 3)
        total += values.sum(axis=0, dtype=np.int64)
        squares += np.square(values, dtype=np.uint16).sum(axis=0, dtype=np.int64)
    count = len(indices) * images.shape[1] * images.shape[2]
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    scale = 1 / np.where(deviation > 0, deviation, 1)
    return Preprocessing(tuple(scale.tolist()), tuple((-mean * scale).tolist()))


def _scaling(steps: Preprocessing, name: str) -> keras.layers.Layer:
    # One number for all channels is written as one number.
    scale, offset = (values[0] if len(set(values)) == 1 else list(values) for values in (steps.scale, steps.offset))
    return layers.Rescaling(scale, offset, name=name, dtype="float32")
