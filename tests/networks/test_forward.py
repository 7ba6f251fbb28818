from __future__ import annotations

import numpy as np
import pytest

from tests.lazy import lazy
from tests.networks.blocks import pixels

keras = lazy("keras")
forward = lazy("medcnn.networks.forward")


@pytest.mark.parametrize("normalised", [True, False])
def test_the_graph_answers_as_the_model_does(normalised: bool) -> None:
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, use_bias=False)(image)
    x = keras.layers.BatchNormalization()(x) if normalised else x
    network = keras.Model(image, keras.layers.GlobalAveragePooling2D()(keras.layers.Activation("relu")(x)))
    rng = np.random.default_rng(0)
    # Statistics other than those that normalisation begins with.
    network.set_weights([weight + rng.uniform(0.1, 0.5, weight.shape) for weight in network.get_weights()])
    images = pixels(forward.BATCH + 5, 8).astype(np.uint8)
    expected = network.predict(images.astype(np.float32), verbose=0)
    assert forward.forward(network, images) == pytest.approx(expected, rel=1e-4)
