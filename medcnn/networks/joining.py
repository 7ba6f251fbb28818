"""Several trained networks as one that answers the mean of their probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers

from medcnn.networks.naming import rename


def joined(networks: Sequence[keras.Model]) -> keras.Model:
    """One network of several, with the layers ``preprocessing``, ``backbone`` and ``head`` that each of them has.

    A backbone that they have in common, such as a frozen one, is there once. Otherwise ``backbone`` holds all of them
    with what comes before, and gives their features side by side.

    Args:
        networks: from ``image`` (batch, S, S, 3) to probabilities (batch, units); their parts are taken, not copied.
    """
    steps, backbones, heads = (
        [network.get_layer(part) for network in networks] for part in ("preprocessing", "backbone", "head")
    )
    shared = _same(steps) and _same(backbones)
    step = steps[0] if shared else layers.Identity(name="preprocessing")
    backbone = backbones[0] if shared else _side_by_side(steps, backbones)
    image = keras.Input(networks[0].input_shape[1:], name="image")
    head = _mean(heads, backbone.output_shape[1:])
    return keras.Model(image, head(backbone(step(image))), name=networks[0].name)


def _same(parts: Sequence[keras.Layer]) -> bool:
    """Whether all compute the same: by their descriptions and their weights."""
    first, *others = parts
    return all(
        part.get_config() == first.get_config() and all(map(np.array_equal, part.get_weights(), first.get_weights()))
        for part in others
    )


def _side_by_side(steps: Sequence[keras.Layer], backbones: Sequence[keras.Model]) -> keras.Model:
    """From pixels (batch, S, S, 3) to the features of each backbone, (batch, K, F)."""
    pixels = keras.Input(backbones[0].input_shape[1:], name="pixels")
    _number(steps, backbones)
    found = [backbone(step(pixels)) for step, backbone in zip(steps, backbones, strict=True)]
    return rename(keras.Model(pixels, keras.ops.stack(found, axis=1), name="backbone"))


def _mean(heads: Sequence[keras.Model], features: tuple[int, ...]) -> keras.Model:
    """The mean of the heads' probabilities, from features that they share, (F,), or from those of each, (K, F)."""
    vector = keras.Input(features, name="vector")
    _number(heads)
    apart = len(features) > 1
    found = [head(keras.ops.take(vector, place, axis=1) if apart else vector) for place, head in enumerate(heads)]
    return rename(keras.Model(vector, keras.ops.mean(keras.ops.stack(found, axis=1), axis=1), name="head"))


def _number(*parts: Sequence[keras.Layer]) -> None:
    """Give the layers of a network, which have the same name each, names of their own."""
    for layers_ in parts:
        for number, layer in enumerate(layers_, start=1):
            layer.name = f"{layer.name}_{number}"
