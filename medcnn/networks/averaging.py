"""Test-time augmentation inside a network: its answer is the mean of its probabilities for several views of an image.

The views are made by fixed layers, and stand side by side in the batch behind them: backbone and head are there once,
so that a file has the size of the plain network, and whatever reads, converts or runs one needs to know nothing of it.
Probabilities are averaged, not logits: no view on which the network saturates can outvote all others.
"""

from __future__ import annotations

import keras
from keras import layers

from medcnn.networks.naming import rename
from medcnn.params.shared.models import Tta

WINDOW = 0.9
"""The side of the windows of ``views``, as a share of the image's."""
VIEWS = "views"
"""The layer that makes the views, (batch, V, S, S, 3)."""


def averaged(network: keras.Model, tta: Tta) -> keras.Model:
    """A network that answers the mean of a built network's probabilities over views of the image.

    Args:
        network: from ``image`` (batch, S, S, 3) to probabilities, with the layers ``preprocessing``, ``backbone`` and
            ``head``; the averaged one has them too, and shares their variables.
        tta: ``none``, and the network itself comes back; ``flips`` for the image and its mirror image; ``views`` for
            the image and its four corners, nine tenths of its side each, enlarged (Krizhevsky et al., NeurIPS 2012).
    """
    if tta == "none":
        return network
    image = keras.Input(network.input_shape[1:], name="image")
    probabilities = _each(_views(tta, image.shape[1])(image), network, "preprocessing", "backbone", "head")
    return rename(keras.Model(image, keras.ops.mean(probabilities, axis=1), name=network.name))


def features(network: keras.Model, tta: Tta) -> keras.Model:
    """From ``image`` to the backbone's features of each view, (batch, V, F)."""
    image = keras.Input(network.input_shape[1:], name="image")
    found = _each(_views(tta, image.shape[1])(image), network, "preprocessing", "backbone")
    return rename(keras.Model(image, found, name="features"))


def head(network: keras.Model, views: int) -> keras.Model:
    """From the features of each view, (batch, V, F), to the mean of the probabilities."""
    of_views = keras.Input((views, *network.get_layer("head").input_shape[1:]), name="features")
    return keras.Model(of_views, keras.ops.mean(_each(of_views, network, "head"), axis=1), name="head")


def _each(of_views: keras.KerasTensor, network: keras.Model, *parts: str) -> keras.KerasTensor:
    """What some layers, one after the other, make of each view: (batch, V, ...) from (batch, V, ...)."""
    x = keras.ops.reshape(of_views, (-1, *of_views.shape[2:]))
    for part in parts:
        x = network.get_layer(part)(x)
    return keras.ops.reshape(x, (-1, of_views.shape[1], *x.shape[1:]))


def _views(tta: Tta, size: int) -> keras.Model:
    image = keras.Input((size, size, 3), name="image")
    others = [_mirrored(image)] if tta == "flips" else _corners(image)
    return rename(keras.Model(image, keras.ops.stack([image, *others], axis=1), name=VIEWS))


def _mirrored(image: keras.KerasTensor) -> keras.KerasTensor:
    return keras.ops.take(image, list(range(image.shape[2]))[::-1], axis=2)


def _corners(image: keras.KerasTensor) -> list[keras.KerasTensor]:
    """Windows at the four corners, enlarged to the size of the image."""
    size = image.shape[1]
    cut = size - round(WINDOW * size)
    edges = [(0, cut), (cut, 0)]
    windows = [layers.Cropping2D((rows, columns))(image) for rows in edges for columns in edges]
    # The layer for it would leave random numbers in the exported file.
    return [keras.ops.image.resize(window, (size, size), "bilinear") for window in windows]
