from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnxruntime import InferenceSession

from medcnn.params.shared.scaling import PREPROCESSING
from tests.lazy import lazy
from tests.networks.blocks import built, pixels, settings

keras = lazy("keras")
convert = lazy("medcnn.export.convert")
building = lazy("medcnn.networks.building")
preprocessing = lazy("medcnn.networks.preprocessing")
saving = lazy("medcnn.networks.saving")


@pytest.mark.parametrize("mode", ["caffe", "tf", "torch"])
def test_is_that_of_keras_applications(mode: str) -> None:
    images = pixels(3, 8)
    expected = keras.applications.imagenet_utils.preprocess_input(images.copy(), mode=mode)
    found = preprocessing.layer(PREPROCESSING[mode], 8)(images).numpy()
    if mode == "caffe":
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)


def test_lite0s_is_the_published_one() -> None:
    image = np.array([0, 127, 255], "float32").reshape(1, 1, 1, 3)
    assert preprocessing.layer(PREPROCESSING["lite"], 1)(image).numpy().ravel().tolist() == [-127 / 128, 0, 1]


def test_the_params_come_before_the_backbones_own() -> None:
    images = pixels(2, 16)
    published = built(settings("tiny", preprocessing="unit"), 16, 2)
    np.testing.assert_array_equal(published.get_layer("preprocessing")(images), images * np.float32(1 / 255))
    corrected = built(settings("tiny", preprocessing="tf"), 16, 2)
    assert corrected.get_layer("preprocessing")(images).numpy().min() == pytest.approx(-1, abs=0.01)


def test_turned_channels_survive_keras_and_onnx(tmp_path: Path) -> None:
    model, images = built(settings("tiny", preprocessing="caffe"), 16, 3), pixels(3, 16)
    saving.save(model, tmp_path / "model.keras")
    opened = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    np.testing.assert_array_equal(opened(images), model(images))
    answer = InferenceSession(convert.converted(opened).SerializeToString()).run(None, {"image": images})[0]
    np.testing.assert_allclose(answer, model(images), atol=1e-6)


def test_stays_exact_in_mixed_precision() -> None:
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = built(settings("tiny"), 16, 2)
    finally:
        keras.config.set_dtype_policy("float32")
    images = pixels(2, 16)
    np.testing.assert_array_equal(model.get_layer("preprocessing")(images), images * np.float32(1 / 255))
    assert building.extractor(model)(images).dtype == "bfloat16"
    assert model(images).dtype == "float32"


def test_measured_centres_the_chosen_images_alone() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (700, 6, 6, 3)).astype("uint8")
    images[..., 1] //= 4
    chosen = list(range(0, 700, 2))
    images[1::2] = 255
    found = preprocessing.layer(preprocessing.measured(images, chosen), 6)(images[chosen].astype("float32")).numpy()
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(found.std(axis=(0, 1, 2)), 1, atol=1e-5)


def test_measured_leaves_a_constant_channel_finite() -> None:
    images = np.full((4, 2, 2, 3), 7, "uint8")
    found = preprocessing.measured(images, range(4))
    assert found.scale == (1.0, 1.0, 1.0)
    assert found.offset == (-7.0, -7.0, -7.0)


def test_adapted_is_what_was_measured() -> None:
    images = pixels(20, 16).astype("uint8")
    steps = preprocessing.measured(images, range(20))
    model = built(settings("tiny", preprocessing="adapted"), 16, 2, steps=steps)
    assert model.get_layer("preprocessing")(images.astype("float32")).numpy().std() == pytest.approx(1, abs=1e-4)
