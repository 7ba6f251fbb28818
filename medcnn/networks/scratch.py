"""Networks trained from scratch. Layers are named, so that saved models do not depend on what else was built."""

from __future__ import annotations

from keras import KerasTensor, layers

from medcnn.networks.registry import register


@register("simple")
def simple(x: KerasTensor) -> KerasTensor:
    """The chest X-ray study's two-convolution net (LeNet-5's layout); its Dense layers of 120 and 84 are the head's."""
    for index, filters in enumerate((6, 16), start=1):
        x = layers.Conv2D(filters, 5, activation="relu", name=f"conv{index}")(x)
        x = layers.MaxPooling2D(name=f"pool{index}")(x)
    return x


@register("chest_cnn")
def chest_cnn(x: KerasTensor) -> KerasTensor:
    """The chest CT study's own net; 5,567,076 parameters at 224x224x3 with its published head for four classes."""
    x = layers.Conv2D(32, 3, activation="relu", name="conv1")(x)
    x = layers.MaxPooling2D(name="pool1")(x)
    for index, filters in enumerate((32, 64), start=2):
        x = layers.Conv2D(filters, 3, activation="relu", name=f"conv{index}")(x)
        x = layers.MaxPooling2D(name=f"pool{index}")(x)
        x = layers.Dropout(0.25, name=f"dropout{index}")(x)
    return x


@register("deep")
def deep(x: KerasTensor) -> KerasTensor:
    """The leukemia study's net of seven convolutions; 660,993 parameters at 45x45x3 with its published head."""
    for block, (filters, kernel, repeats) in enumerate(((32, 5, 1), (64, 2, 2), (128, 2, 2), (256, 2, 2)), start=1):
        for index in range(1, repeats + 1):
            name = f"block{block}_conv{index}"
            x = layers.Conv2D(filters, kernel, padding="same", activation="relu", name=name)(x)
        x = layers.MaxPooling2D(name=f"block{block}_pool")(x)
    return x


@register("tiny")
def tiny(x: KerasTensor) -> KerasTensor:
    """A net of 408 parameters, to try a pipeline with."""
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu", name="conv1")(x)
    x = layers.MaxPooling2D(name="pool1")(x)
    return layers.Conv2D(8, 3, padding="same", activation="relu", name="conv2")(x)


@register("relay")
def relay(x: KerasTensor) -> KerasTensor:
    """No layers of its own: the second link of a chain, whose Dense layers are the head's."""
    return x
