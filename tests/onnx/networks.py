"""Untrained networks in the shape of the project's models, with one of each layer that the project uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medcnn.seeding import pin_tensorflow

if TYPE_CHECKING:
    import keras


def small_network(classes: int, size: int, gain: float = 0.0) -> keras.Model:
    """From ``image`` to ``probabilities``; a high ``gain`` makes the answer hang on the last bits of a float."""
    pin_tensorflow(5)
    import keras
    from keras import layers

    pixels = keras.Input((size, size, 3), name="pixels")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(pixels)
    x = layers.ReLU(max_value=6)(layers.BatchNormalization(epsilon=1e-3)(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = layers.ReLU(max_value=6)(layers.BatchNormalization(epsilon=1e-3)(y))
    x = layers.Add()([x, layers.Conv2D(8, 1, activation="relu")(y)])
    pooled, flat = layers.GlobalAveragePooling2D()(x), layers.Flatten()(layers.MaxPooling2D(4)(x))
    backbone = keras.Model(pixels, layers.Concatenate()([pooled, flat]), name="backbone")

    vector = keras.Input(backbone.output_shape[1:], name="vector")
    x = layers.Dense(12, activation="relu")(layers.Dropout(0.3)(vector))
    x = keras.ops.sin(gain * x) if gain else x
    units, activation = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    head = keras.Model(vector, layers.Dense(units, activation=activation, name="probabilities")(x), name="head")

    image = keras.Input((size, size, 3), name="image")
    scaled = layers.Rescaling(1 / 127.5, offset=-1, name="preprocessing")(image)
    model = keras.Model(image, head(backbone(scaled)))
    rng = np.random.default_rng(5)
    for variable in model.weights:
        if variable.path.split("/")[-1] in {"gamma", "moving_variance"}:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif len(variable.shape) == 1:
            variable.assign(rng.normal(0, 0.2, variable.shape))
    return model
