"""Networks trained from scratch. Layers are named, so that saved models do not depend on what else was built."""

from __future__ import annotations

from keras import KerasTensor, layers

from medcnn.models.registry import Rescaling, register

UNIT = Rescaling(scale=1 / 255, offset=0.0)
"""Pixels from 0..255 to 0..1."""
CENTRED = Rescaling(scale=1 / (255 * 0.226), offset=-0.449 / 0.226)
"""Grey mean 0.449 and standard deviation 0.226 of ImageNet, the means over its channels, become 0 and 1."""


@register("simple", preprocessing=UNIT, smallest=16)
def simple(x: KerasTensor) -> KerasTensor:
    """The chest X-ray study's two-convolution net (LeNet-5's layout); its Dense layers of 120 and 84 are the head's."""
    for index, filters in enumerate((6, 16), start=1):
        x = layers.Conv2D(filters, 5, activation="relu", name=f"conv{index}")(x)
        x = layers.MaxPooling2D(name=f"pool{index}")(x)
    return layers.Flatten(name="flatten")(x)


# Without normalisation layers, ten layers deep, 0..1 pixels leave it at chance on a few hundred images.
@register("deep", preprocessing=CENTRED, smallest=16)
def deep(x: KerasTensor) -> KerasTensor:
    """The leukemia study's net of seven convolutions; 660,993 parameters at 45x45x3 with its published head."""
    for block, (filters, kernel, repeats) in enumerate(((32, 5, 1), (64, 2, 2), (128, 2, 2), (256, 2, 2)), start=1):
        for index in range(1, repeats + 1):
            name = f"block{block}_conv{index}"
            x = layers.Conv2D(filters, kernel, padding="same", activation="relu", name=name)(x)
        x = layers.MaxPooling2D(name=f"block{block}_pool")(x)
    return layers.Flatten(name="flatten")(x)


@register("tiny", preprocessing=UNIT, smallest=3)
def tiny(x: KerasTensor) -> KerasTensor:
    """A net of 408 parameters, to try a pipeline with."""
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="conv1")(x)
    x = layers.MaxPooling2D(name="pool1")(x)
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="conv2")(x)
    return layers.GlobalAveragePooling2D(name="pooling")(x)


@register("relay", preprocessing=UNIT, smallest=1)
def relay(x: KerasTensor) -> KerasTensor:
    """No layers of its own: the second link of a chain, whose Dense layers are the head's."""
    return layers.Flatten(name="flatten")(x)
