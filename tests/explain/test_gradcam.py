from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.weights import storing
from tests.lazy import lazy
from tests.networks.blocks import built, pixels, settings
from tests.weights.encoder_files import encoder

keras = lazy("keras")
building = lazy("medcnn.networks.building")
joining = lazy("medcnn.networks.joining")
gradcam = lazy("medcnn.explain.gradcam")
chaining = lazy("medcnn.train.chaining")

SIZE = 12


def network(
    classes: int, output: str = "softmax", pooling: str = "average", chain: bool = False, features: str = "last"
) -> keras.Model:
    """The smallest backbone, with a head that is not linear; or its chain with another."""
    keras.utils.set_random_seed(3)
    block = settings("tiny", pooling, output=output, dense=(6,), dropout=0.4, batch_norm=True, features=features)
    model = built(block, SIZE, classes)
    return chaining.chained(model, settings("relay", dense=(5,), output=output), classes) if chain else model


def in_float64(layer: keras.layers.Layer, x: np.ndarray) -> np.ndarray:
    """A layer of a head, in inference mode: single precision is too coarse for small differences."""
    if isinstance(layer, keras.Model):
        for part in layer.layers:
            x = in_float64(part, x)
    elif isinstance(layer, keras.layers.BatchNormalization):
        gamma, beta, mean, variance = (weight.astype(np.float64) for weight in layer.get_weights())
        x = (x - mean) / np.sqrt(variance + layer.epsilon) * gamma + beta
    elif isinstance(layer, keras.layers.Dense):
        kernel, bias = layer.get_weights()
        x = x @ kernel.astype(np.float64) + bias
        if layer.name != "probabilities":
            x = np.maximum(x, 0)
        elif len(bias) == 1:
            x = np.hstack([1 / (1 + np.exp(x)), 1 / (1 + np.exp(-x))])
        else:
            x = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    return x


def by_brute_force(model: keras.Model, image: np.ndarray, label: int) -> np.ndarray:
    """Grad-CAM of one image as in the paper, each gradient from two evaluations of log(p / (1 - p))."""
    backbone = model.get_layer("backbone")
    pooling = backbone.get_layer("pooling")
    body = keras.Model(backbone.input, pooling.input)
    maps = np.asarray(body(model.get_layer("preprocessing")(image[None])), np.float64)[0]
    earlier = np.asarray(building.extractor(model)(image[None]), np.float64)[:, : -pooling.output.shape[-1]]

    def score(values: np.ndarray) -> np.ndarray:
        average = isinstance(pooling, keras.layers.GlobalAveragePooling2D)
        pooled = values.mean(axis=(1, 2)) if average else values.reshape(len(values), -1)
        vectors = np.hstack([np.repeat(earlier, len(values), axis=0), pooled])
        p = in_float64(model.get_layer("head"), vectors)[:, label]
        return np.log(p / (1 - p))

    step = 1e-5
    nudges = step * np.eye(maps.size).reshape(maps.size, *maps.shape)
    gradients = ((score(maps + nudges) - score(maps - nudges)) / (2 * step)).reshape(maps.shape)
    heat = np.maximum((gradients.mean(axis=(0, 1)) * maps).sum(axis=-1), 0)
    return heat / heat.max() if heat.max() else heat


@pytest.mark.parametrize(
    ("classes", "output", "pooling", "chain", "features"),
    [
        (2, "sigmoid", "average", False, "last"),
        (2, "softmax", "flatten", False, "last"),
        (3, "softmax", "flatten", False, "last"),
        (3, "softmax", "average", True, "last"),
        (2, "sigmoid", "flatten", True, "last"),
        (3, "softmax", "average", False, "stages"),
        (2, "sigmoid", "average", True, "stages"),
    ],
)
def test_maps_are_those_of_numerical_gradients_for_every_class(
    classes: int, output: str, pooling: str, chain: bool, features: str
) -> None:
    model = network(classes, output, pooling, chain, features)
    images, labels = pixels(2 * classes, SIZE), np.arange(2 * classes) % classes
    found = gradcam.grad_cam(model, images, labels)
    expected = np.stack([by_brute_force(model, image, label) for image, label in zip(images, labels, strict=True)])
    assert expected.max() == 1
    assert found == pytest.approx(expected, abs=1e-3)


def test_what_is_frozen_makes_no_difference_and_the_model_answers_as_before() -> None:
    model, images = network(3), pixels(4, SIZE)
    before = model.predict(images, verbose=0)
    free = gradcam.grad_cam(model, images, np.zeros(4, np.int64))
    model.get_layer("backbone").trainable = False
    frozen = gradcam.grad_cam(model, images, np.zeros(4, np.int64))
    assert (free == frozen).all()
    assert (model.predict(images, verbose=0) == before).all()


def test_a_saturated_probability_has_a_map_as_well() -> None:
    model = network(3)
    output = model.get_layer("head").get_layer("probabilities")
    output.set_weights([1e4 * output.get_weights()[0], output.get_weights()[1]])
    images = pixels(6, SIZE)
    probabilities = model.predict(images, verbose=0)
    assert probabilities.max(axis=1) == pytest.approx(1)
    found = gradcam.grad_cam(model, images, probabilities.argmax(axis=1))
    assert np.isfinite(found).all()
    assert found.max() == 1


@pytest.mark.parametrize("of", ["no convolutions", "several networks"])
def test_a_network_without_convolutions_or_of_several_networks_has_no_maps(of: str) -> None:
    model = (
        built(settings("relay", "flatten"), SIZE, 2)
        if of == "no convolutions"
        else joining.joined([network(2), network(2, pooling="max")])
    )
    with pytest.raises(gradcam.NoFeatureMapsError):
        gradcam.grad_cam(model, pixels(1, SIZE), np.zeros(1, np.int64))


@pytest.mark.parametrize("answer", ["vector", "tokens", "maps"])
def test_an_encoder_is_explained_by_its_maps_where_it_has_any(tmp_path: Path, answer: str) -> None:
    model = settings("onnx", weights=str(encoder(tmp_path / "e.onnx", answer, size=SIZE)), frozen=True)
    storing.write("e", model, {}, tmp_path / "weights")
    network = built(model, SIZE, 2, tmp_path / "weights")
    if answer == "maps":
        assert gradcam.grad_cam(network, pixels(2, SIZE), np.zeros(2, np.int64)).shape == (2, SIZE // 4, SIZE // 4)
    else:
        with pytest.raises(gradcam.NoFeatureMapsError, match="vectors"):
            gradcam.grad_cam(network, pixels(2, SIZE), np.zeros(2, np.int64))


def test_no_images_have_no_maps() -> None:
    assert gradcam.grad_cam(network(3), pixels(0, SIZE), np.zeros(0, np.int64)).shape[0] == 0
