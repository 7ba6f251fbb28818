from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from medcnn import params
from medcnn.console import MedcnnError
from medcnn.models import building, weights
from medcnn.models.registry import network

NOWHERE = Path("nowhere")


def settings(network: str, **changes: Any) -> params.Model:
    block = {
        "network": network,
        "weights": "none",
        "frozen": False,
        "dense": (),
        "dropout": 0.0,
        "augment": None,
        "learning_rate": 0.001,
        "epochs": 1,
        "batch_size": 8,
        "patience": 1,
        "plateau": None,
        "class_weights": False,
    }
    return params.Model.model_validate({**block, **changes})


@pytest.fixture(scope="module")
def lite0_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "lite0"
    weights.write(settings("lite0", weights="imagenet"), params.load().weights, folder)
    return folder


def frozen_lite0(folder: Path) -> keras.Model:
    return building.build(settings("lite0", weights="imagenet", frozen=True), 32, 3, folder)


def pixels(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3)).astype("float32")


def test_deep_has_the_published_parameters() -> None:
    model = building.build(settings("deep", dense=(128, 64, 32), dropout=0.5), 45, 2, NOWHERE)
    assert model.count_params() == 660_993


def test_simple_has_the_published_layers() -> None:
    # The study's own output of two units would add 85 to the single unit's 5,406,521.
    model = building.build(settings("simple", dense=(120, 84)), 224, 2, NOWHERE)
    assert model.count_params() == 5_406_521


@pytest.mark.parametrize(("classes", "shape", "activation"), [(2, (5, 1), "sigmoid"), (4, (5, 4), "softmax")])
def test_output_suits_the_classes(classes: int, shape: tuple[int, int], activation: str) -> None:
    model = building.build(settings("tiny"), 16, classes, NOWHERE)
    probabilities = model.predict(pixels(5, 16), verbose=0)
    assert probabilities.shape == shape
    assert model.get_layer("head").get_layer("probabilities").activation.__name__ == activation
    if classes > 2:
        assert probabilities.sum(axis=1) == pytest.approx(np.ones(5), abs=1e-6)


@pytest.mark.parametrize(
    ("dense", "dropout", "expected"),
    [
        ((), 0.0, ["features", "probabilities"]),
        ((), 0.2, ["dropout", "features", "probabilities"]),
        ((8, 4), 0.0, ["dense1", "dense2", "features", "probabilities"]),
        ((8, 4), 0.5, ["dense1", "dropout1", "dense2", "dropout2", "features", "probabilities"]),
    ],
)
def test_head_follows_the_params(dense: tuple[int, ...], dropout: float, expected: list[str]) -> None:
    head = building.build_head(settings("relay", dense=dense, dropout=dropout), 6, 3)
    assert [layer.name for layer in head.layers] == ["vector", *expected]


def test_names_do_not_depend_on_what_was_built_before() -> None:
    first, second = (building.build(settings("deep", dense=(4,), dropout=0.5), 16, 2, NOWHERE) for _ in range(2))
    assert first.get_config() == second.get_config()


def test_preprocessing_is_inside() -> None:
    model = building.build(settings("tiny"), 16, 2, NOWHERE)
    backbone, head = model.get_layer("backbone"), model.get_layer("head")
    images = pixels(3, 16)
    np.testing.assert_array_equal(model(images), head(backbone(images * np.float32(1 / 255))))


def test_extractor_and_head_together_are_the_whole_model(lite0_weights: Path) -> None:
    model = frozen_lite0(lite0_weights)
    before, images = model.get_config(), pixels(2, 32)
    features = building.extractor(model)(images)
    assert features.shape == (2, 1280)
    np.testing.assert_allclose(model.get_layer("head")(features), model(images), rtol=1e-6)
    assert model.get_config() == before


def test_a_frozen_backbone_does_not_learn(lite0_weights: Path) -> None:
    model = frozen_lite0(lite0_weights)
    backbone, head = (model.get_layer(name).get_weights() for name in ("backbone", "head"))
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(pixels(4, 32), np.zeros(4), verbose=0)
    for before, after in zip(backbone, model.get_layer("backbone").get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    assert not np.array_equal(head[0], model.get_layer("head").get_weights()[0])


@pytest.mark.slow
def test_an_unfrozen_backbone_learns(lite0_weights: Path) -> None:
    model = building.build(settings("lite0", weights="imagenet"), 32, 3, lite0_weights)
    statistics = model.get_layer("backbone").get_layer("stem_bn").moving_mean
    kernel = model.get_layer("backbone").get_layer("stem_conv").kernel
    before = statistics.numpy(), kernel.numpy()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(pixels(4, 32), np.zeros(4), verbose=0)
    assert not np.array_equal(before[0], statistics.numpy())
    assert not np.array_equal(before[1], kernel.numpy())


@pytest.mark.parametrize("name", ["simple", "deep", "tiny", "lite0"])
def test_the_smallest_image_works_and_a_smaller_one_is_refused(name: str) -> None:
    smallest = network(name).smallest
    assert building.build(settings(name), smallest, 2, NOWHERE).count_params() > 0
    with pytest.raises(MedcnnError) as refusal:
        building.build(settings(name), smallest - 1, 2, NOWHERE)
    expected = f"image_size {smallest - 1} is too small for network '{name}': it needs at least {smallest}"
    assert str(refusal.value) == expected


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the Keras for Python 3.10 builds layers of size zero")
@pytest.mark.parametrize("name", ["simple", "deep", "tiny"])
def test_the_smallest_image_is_not_set_too_high(name: str) -> None:
    spec = network(name)
    below = keras.Input((spec.smallest - 1, spec.smallest - 1, 3))
    with pytest.raises(ValueError, match="zero or negative"):
        spec.body(below)


def test_missing_weights_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match=r"lite0/weights\.npz not found: run `dvc repro weights@lite0`"):
        frozen_lite0(tmp_path / "lite0")


def test_broken_weights_are_one_clear_line(lite0_weights: Path, tmp_path: Path) -> None:
    (tmp_path / "weights.npz").write_bytes((lite0_weights / "weights.npz").read_bytes()[:1000])
    with pytest.raises(MedcnnError, match=r"weights\.npz is broken: run"):
        frozen_lite0(tmp_path)


def test_weights_of_another_shape_are_refused(lite0_weights: Path) -> None:
    arrays = weights.load(lite0_weights)
    model = frozen_lite0(lite0_weights).get_layer("backbone")
    with pytest.raises(MedcnnError, match=r"stem_conv/kernel must have shape \(3, 3, 3, 32\), is \(1,\)"):
        building.assign(model, {**arrays, "stem_conv/kernel": np.zeros(1)})
    with pytest.raises(MedcnnError, match=r"stem_conv/kernel must .* is missing"):
        building.assign(model, {})
