from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.dataset import pack
from tests.lazy import lazy
from tests.project import packed

keras = lazy("keras")
features = lazy("medcnn.train.features")


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """Convolutions with batch normalisation whose statistics are not those that it begins with."""
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(image)
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(5, 3, use_bias=False)(x))
    full = keras.Model(image, keras.layers.GlobalAveragePooling2D()(keras.layers.Activation("relu")(x)))
    rng = np.random.default_rng(0)
    full.set_weights([weight + rng.uniform(0.1, 0.5, weight.shape) for weight in full.get_weights()])
    return full


def images(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 8, 8, 3), np.uint8)


def test_features_have_the_shape_of_the_images_and_copies_share_theirs(
    network: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pixels = images(24)
    pixels[[5, 23]] = pixels[2]
    packed(tmp_path, pack.VIEWS, pixels.reshape(2, 12, 8, 8, 3))
    found = features.extracted(features.Extractor.of(network), pack.views(tmp_path))
    assert found.shape == (2, 12, 5)
    flat = found[:].reshape(24, 5)
    assert np.array_equal(flat[5], flat[2])
    assert np.array_equal(flat[23], flat[2])
    assert flat == pytest.approx(network.predict(pixels.astype(np.float32), verbose=0), rel=1e-4)


def test_a_study_without_views_has_no_features_of_them(
    network: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    packed(tmp_path, pack.VIEWS, images(0).reshape(0, 12, 8, 8, 3))
    assert features.extracted(features.Extractor.of(network), pack.views(tmp_path))[:].shape == (0, 12, 5)


def test_only_a_shard_whose_pixels_changed_is_computed_again(
    network: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pack, "ROWS", 10)
    pixels = images(24)
    packed(tmp_path, pack.IMAGES, pixels)
    before = features.extracted(features.Extractor.of(network), pack.images(tmp_path))
    pixels[15] = 0
    packed(tmp_path, pack.IMAGES, pixels)
    after = features.extracted(features.Extractor.of(network), pack.images(tmp_path))
    assert [one.path == other.path for one, other in zip(before.shards, after.shards, strict=True)] == [
        True,
        False,
        True,
    ]
    assert after[:] == pytest.approx(network.predict(pixels.astype(np.float32), verbose=0), rel=1e-4)


def test_features_that_a_power_cut_left_empty_are_computed_again(
    network: keras.Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    packed(tmp_path, pack.IMAGES, images(5))
    found = features.extracted(features.Extractor.of(network), pack.images(tmp_path))
    expected = found[:]
    found.shards[0].path.write_bytes(b"")
    assert np.array_equal(features.extracted(features.Extractor.of(network), pack.images(tmp_path))[:], expected)
