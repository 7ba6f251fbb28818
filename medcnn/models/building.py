"""Whole models from the params: image -> preprocessing -> backbone -> head -> probabilities."""

from __future__ import annotations

from pathlib import Path

import keras
from keras import layers

from medcnn import params
from medcnn.console import MedcnnError
from medcnn.models import weights as published
from medcnn.models.registry import Network, network

CHANNELS = 3


def build(model: params.Model, image_size: int, classes: int, weights: Path) -> keras.Model:
    """Build an untrained model, its backbone with pretrained weights where the params ask for them.

    Args:
        model: The network, its head, and whether the backbone is frozen.
        image_size: Side of the square images, in pixels.
        classes: How many classes; two give one sigmoid unit, more a softmax.
        weights: The folder that the ``weights`` stage wrote for this model.

    Returns:
        A model from ``image``, float32 pixels of 0..255 (batch, image_size, image_size, 3), to ``probabilities``:
        (batch, 1), the probability of the last class, for two classes, else (batch, classes). Its parts are the
        layers ``preprocessing``, ``backbone`` and ``head``; names do not depend on what else was built.

    Raises:
        MedcnnError: the image is too small for the network, or its weights are missing or do not fit.
    """
    spec = network(model.network)
    backbone = _backbone(spec, image_size)
    if model.weights == "imagenet":
        assign(backbone, published.load(weights))
    backbone.trainable = not model.frozen
    image = keras.Input((image_size, image_size, CHANNELS), name="image")
    x = layers.Rescaling(spec.scale, spec.offset, name="preprocessing")(image)
    # A frozen backbone keeps its ImageNet statistics: batch normalisation never runs in training mode.
    features = backbone(x, training=False) if model.frozen else backbone(x)
    head = build_head(model, features.shape[-1], classes)
    return keras.Model(image, head(features), name=model.network)


def build_head(model: params.Model, features: int, classes: int) -> keras.Model:
    """Build the head alone: from features (batch, features) to ``probabilities``, as in ``build``.

    Its layer ``features`` holds what the output is computed from; the first link of a chain ends there.
    """
    vector = keras.Input((features,), name="vector")
    x = vector
    for index, units in enumerate(model.dense, start=1):
        x = layers.Dense(units, activation="relu", name=f"dense{index}")(x)
        x = _dropout(x, model.dropout, f"dropout{index}")
    if not model.dense:
        x = _dropout(x, model.dropout, "dropout")
    x = layers.Identity(name="features")(x)
    units, activation = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    probabilities = layers.Dense(units, activation=activation, name="probabilities")(x)
    return keras.Model(vector, probabilities, name="head")


def extractor(full: keras.Model) -> keras.Model:
    """The part of a built model from ``image`` to the backbone's features (batch, F), in inference mode.

    It shares the built model's variables.
    """
    image = keras.Input(full.input_shape[1:], name="image")
    pixels = full.get_layer("preprocessing")(image)
    return keras.Model(image, full.get_layer("backbone")(pixels, training=False), name="extractor")


def assign(model: keras.Model, arrays: published.Arrays) -> None:
    """Set every variable of ``model``'s layers to the array called ``<layer>/<variable>``; arrays may be left over.

    Raises:
        MedcnnError: an array is missing or has another shape.
    """
    for layer in model.layers:
        for variable in layer.variables:
            name = f"{layer.name}/{variable.name}"
            if name not in arrays or arrays[name].shape != tuple(variable.shape):
                found = arrays[name].shape if name in arrays else "missing"
                raise MedcnnError(
                    f"pretrained weights do not fit: {name} must have shape {tuple(variable.shape)}, is {found}"
                )
            variable.assign(arrays[name])


def _backbone(spec: Network, image_size: int) -> keras.Model:
    if image_size < spec.smallest:
        raise MedcnnError(
            f"image_size {image_size} is too small for network '{spec.name}': it needs at least {spec.smallest}"
        )
    pixels = keras.Input((image_size, image_size, CHANNELS), name="pixels")
    return keras.Model(pixels, spec.body(pixels), name="backbone")


def _dropout(x: keras.KerasTensor, rate: float, name: str) -> keras.KerasTensor:
    return layers.Dropout(rate, name=name)(x) if rate else x
