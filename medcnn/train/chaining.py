"""Chains: the features of a trained first link feed a small second network, and both are trained as one model."""

from __future__ import annotations

import keras

from medcnn.networks.building import build_head
from medcnn.params.shared.models import Model


def chained(first: keras.Model, second: Model, classes: int, multi_label: bool = False) -> keras.Model:
    """A model of a first link without its output layer and a fresh second link.

    Args:
        first: a trained model with the layers ``preprocessing``, ``backbone`` and ``head``; its head's layer
            ``features`` is where the second link takes over. What is frozen stays frozen.
        second: the second link's settings; of its network only the head is built.
        classes: the number of classes.
        multi_label: whether they are findings.

    Returns:
        A model with the same layers, whose ``head`` holds both links and is trained as one.
    """
    old = first.get_layer("head")
    features = keras.Model(old.input, old.get_layer("features").output, name="first_link")
    second_link = build_head(second, features.output_shape[-1], classes, multi_label)
    second_link.name = "second_link"
    inputs = keras.Input(old.input_shape[1:], name="backbone_features")
    head = keras.Model(inputs, second_link(features(inputs)), name="head")
    backbone = first.get_layer("backbone")
    image = keras.Input(first.input_shape[1:], name="image")
    return keras.Model(image, head(backbone(first.get_layer("preprocessing")(image))), name="chain")
