from __future__ import annotations

import pytest

from tests.lazy import lazy

keras = lazy("keras")
building = lazy("medcnn.networks.building")
cost = lazy("medcnn.networks.cost")


def test_counts_every_kind_of_kernel() -> None:
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", strides=2)(image)
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.SeparableConv2D(6, 3, padding="same")(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Flatten()(x)
    model = keras.Model(image, keras.layers.Dense(5)(x))
    convolution, depthwise, separable = 16 * 9 * 3 * 4, 16 * 9 * 4, 16 * (9 * 4 + 4 * 6)
    assert cost.macs(model) == convolution + depthwise + separable + 16 * 6 * 5
    outer = keras.Input((8, 8, 3))
    assert cost.macs(keras.Model(outer, model(outer))) == cost.macs(model)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "published"), [("VGG16", 15.35e9), ("ResNet50", 3.86e9), ("resnet34", 3.66e9)])
def test_agrees_with_published_figures(name: str, published: float) -> None:
    assert cost.macs(building.build_backbone(name, "average", 224)) == pytest.approx(published, rel=0.005)
