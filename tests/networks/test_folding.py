from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.lazy import lazy
from tests.networks.blocks import pixels

keras = lazy("keras")
layers = lazy("keras.layers")
tf = lazy("tensorflow")
folding = lazy("medcnn.networks.folding")
precision = lazy("medcnn.networks.precision")

IMAGES = pixels(4, 8) / 255


def network(*, learns: bool = False) -> keras.Model:
    """A backbone of every kind of convolution, with statistics that are not those of an untrained network."""
    maps = image = keras.Input((8, 8, 3))
    for convolution in (
        layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False),
        layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=False),
        layers.Conv2D(6, 1, use_bias=False, dilation_rate=2),
        layers.Conv2D(6, 1),
        layers.Conv2D(6, 1, use_bias=False, activation="relu"),
    ):
        before = convolution(maps)
        maps = layers.ReLU(6.0)(layers.BatchNormalization(trainable=learns)(before))
    # What other layers see of a convolution is not normalised.
    backbone = keras.Model(image, layers.Add()([maps, before]), name="backbone")
    entry = keras.Input((8, 8, 3))
    found = keras.Model(entry, layers.Dense(3, "softmax")(layers.GlobalAveragePooling2D()(backbone(entry))))
    rng = np.random.default_rng(0)
    found.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in found.get_weights()])
    return found


def learnt(forward: keras.Model, variables: list[Any]) -> tuple[np.ndarray, list[np.ndarray]]:
    """The answers in training, and the gradient of their first column."""
    with tf.GradientTape() as tape:
        answers = forward(IMAGES, training=True)
        first = tf.reduce_sum(answers[:, 0])
    return answers.numpy(), [gradient.numpy() for gradient in tape.gradient(first, variables)]


def folds(model: keras.Model) -> int:
    return sum(isinstance(layer, folding.Folded) for layer in model._flatten_layers())


def test_a_folded_network_answers_and_learns_as_the_network_itself() -> None:
    whole = network()
    text, variables = whole.to_json(), whole.trainable_weights
    twin = folding.folded(whole)
    assert folds(twin) == 3
    for found, expected in zip(learnt(twin, variables), learnt(whole, variables), strict=True):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5)
    # What is written afterwards is the network, not its twin.
    assert whole.to_json() == text


@pytest.mark.parametrize("kind", ["learns its statistics", "bfloat16"])
def test_other_networks_are_left_as_they_are(kind: str) -> None:
    left = network(learns=True) if kind == "learns its statistics" else precision.in_bfloat16(network())
    assert folds(folding.folded(left)) == 0
