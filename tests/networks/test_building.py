from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.networks import pretrained
from medcnn.params import whole
from medcnn.params.catalogue import catalogue
from medcnn.weights import storing
from tests.lazy import lazy
from tests.networks.blocks import built, pixels
from tests.networks.blocks import settings as block

keras = lazy("keras")
building = lazy("medcnn.networks.building")


@pytest.fixture(scope="module")
def lite0_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "lite0"
    storing.write("lite0", block("lite0", weights="imagenet"), {}, folder)
    return folder


def frozen_lite0(folder: Path) -> keras.Model:
    return built(block("lite0", weights="imagenet", frozen=True), 32, 3, folder)


@pytest.mark.parametrize(
    ("name", "size", "classes", "published"),
    [
        ("scratch", 45, 2, 660_993),
        ("chest_cnn", 224, 4, 5_567_076),
        # The study's own output of two units would add 85 to the single unit's 5,406,521.
        ("simple", 224, 2, 5_406_521),
        # Of these 21,284,672 are trained, as in PyTorch; the rest are the statistics of batch normalisation.
        ("resnet34", 64, 2, 21_284_672 + 17_024 + 2 * 513),
    ],
)
def test_has_the_published_parameters(
    settings: whole.Params, name: str, size: int, classes: int, published: int
) -> None:
    assert built(settings.model(name), size, classes).count_params() == published


@pytest.mark.parametrize(
    ("output", "classes", "shape", "activation"),
    [
        ("sigmoid", 2, (5, 1), "sigmoid"),
        ("sigmoid", 4, (5, 4), "softmax"),
        ("softmax", 2, (5, 2), "softmax"),
        ("softmax", 4, (5, 4), "softmax"),
    ],
)
def test_output_suits_the_classes(output: str, classes: int, shape: tuple[int, int], activation: str) -> None:
    model = built(block("tiny", output=output), 16, classes)
    probabilities = model.predict(pixels(5, 16), verbose=0)
    assert probabilities.shape == shape
    assert model.get_layer("head").get_layer("probabilities").activation.__name__ == activation
    if activation == "softmax":
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
    head = building.build_head(block("relay", dense=dense, dropout=dropout), 6, 3)
    assert [layer.name for layer in head.layers] == ["vector", *expected]


def test_a_head_may_begin_with_batch_normalisation_and_start_as_it_is_told() -> None:
    head = building.build_head(block("relay", dense=(4,), batch_norm=True, initializer="he_normal"), 6, 3)
    assert [layer.name for layer in head.layers] == ["vector", "batch_norm", "dense1", "features", "probabilities"]
    assert isinstance(head.get_layer("dense1").kernel_initializer, keras.initializers.HeNormal)


@pytest.mark.parametrize(("pooling", "expected"), [("flatten", 4 * 4 * 8), ("average", 8), ("max", 8)])
def test_pooling_follows_the_params(pooling: str, expected: int) -> None:
    model, images = built(block("tiny", pooling), 16, 3), pixels(2, 16)
    features = building.extractor(model)(images).numpy()
    assert features.shape == (2, expected)
    whole = built(block("tiny", "flatten"), 16, 3)
    whole.get_layer("backbone").set_weights(model.get_layer("backbone").get_weights())
    maps = building.extractor(whole)(images).numpy().reshape(2, 16, 8)
    pooled = {"flatten": maps.reshape(2, -1), "average": maps.mean(axis=1), "max": maps.max(axis=1)}[pooling]
    np.testing.assert_allclose(features, pooled, rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("tiny", 16, [4, 8]),
        ("relay", 16, [3]),
        ("lite0", 64, [96, 144, 240, 672, 1280]),
        ("VGG16", 32, [64, 128, 256, 512, 512, 512]),
        ("ResNet50", 64, [64, 256, 512, 1024, 2048]),
        # What the branches of a block are joined to, not a branch.
        ("InceptionV3", 128, [64, 192, 288, 768, 2048]),
        ("DenseNet121", 64, [64, 128, 256, 512, 1024]),
    ],
)
def test_stages_are_pooled_before_each_fall_in_size(name: str, size: int, expected: list[int]) -> None:
    backbone = building.build_backbone(name, "average", size, "stages")
    ends = {layer.name: layer.output.shape[-1] for layer in backbone.layers if layer.name.startswith("pooling")}
    assert sorted(ends.values()) == sorted(expected)
    assert backbone.output_shape[-1] == sum(expected)
    assert backbone.get_layer("pooling").output.shape[-1] == expected[-1]


def test_names_do_not_depend_on_what_was_built_before() -> None:
    first, second = (built(block("deep", "flatten", dense=(4,), dropout=0.5), 16, 2) for _ in range(2))
    assert first.get_config() == second.get_config()


def test_preprocessing_is_inside() -> None:
    model = built(block("tiny"), 16, 2)
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


def test_finetuning_trains_the_last_layers_and_keeps_the_statistics(lite0_weights: Path) -> None:
    model = frozen_lite0(lite0_weights)
    building.unfreeze(model, 100)
    layers = model.get_layer("backbone").layers
    assert not any(layer.trainable for layer in layers[:100])
    before = [layer.get_weights() for layer in layers]
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(pixels(4, 32), np.zeros(4), verbose=0)
    moved = {
        f"{layer.name}/{variable.name}"
        for layer, old in zip(layers, before, strict=True)
        for variable, value in zip(layer.weights, old, strict=True)
        if not np.array_equal(variable.numpy(), value)
    }
    assert "head_conv/kernel" in moved
    assert not [name for name in moved if "_bn/" in name]
    assert not moved & {f"{layer.name}/{variable.name}" for layer in layers[:100] for variable in layer.weights}


def test_finetuning_needs_a_layer_to_train(lite0_weights: Path) -> None:
    with pytest.raises(MedcnnError, match=r"unfreeze_from: 500 leaves nothing to train, the backbone has 142 layers"):
        building.unfreeze(frozen_lite0(lite0_weights), 500)


@pytest.mark.slow
def test_an_unfrozen_backbone_learns(lite0_weights: Path) -> None:
    model = built(block("lite0", weights="imagenet"), 32, 3, lite0_weights)
    statistics = model.get_layer("backbone").get_layer("stem_bn").moving_mean
    kernel = model.get_layer("backbone").get_layer("stem_conv").kernel
    before = statistics.numpy(), kernel.numpy()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(pixels(4, 32), np.zeros(4), verbose=0)
    assert not np.array_equal(before[0], statistics.numpy())
    assert not np.array_equal(before[1], kernel.numpy())


@pytest.mark.parametrize("name", ["simple", "chest_cnn", "deep", "tiny", "lite0", "VGG16"])
def test_the_smallest_image_works(name: str) -> None:
    smallest = catalogue().backbones[name].smallest
    assert built(block(name), smallest, 2).count_params() > 0


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the Keras for Python 3.10 builds layers of size zero")
@pytest.mark.parametrize("name", ["simple", "chest_cnn", "deep", "tiny"])
def test_the_smallest_image_is_not_set_too_high(name: str) -> None:
    below = catalogue().backbones[name].smallest - 1
    with pytest.raises(ValueError, match="zero or negative"):
        building.body(name)(keras.Input((below, below, 3)))


def test_missing_weights_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match=r"lite0/weights\.npz not found: run `dvc repro weights@lite0`"):
        frozen_lite0(tmp_path / "lite0")


def test_broken_weights_are_one_clear_line(lite0_weights: Path, tmp_path: Path) -> None:
    (tmp_path / "weights.npz").write_bytes((lite0_weights / "weights.npz").read_bytes()[:1000])
    with pytest.raises(MedcnnError, match=r"weights\.npz is broken: run"):
        frozen_lite0(tmp_path)


def test_weights_of_another_shape_are_refused(lite0_weights: Path) -> None:
    arrays = pretrained.load(lite0_weights)
    model = frozen_lite0(lite0_weights).get_layer("backbone")
    with pytest.raises(MedcnnError, match=r"stem_conv/kernel must have shape \(3, 3, 3, 32\), is \(1,\)"):
        pretrained.assign(model, {**arrays, "stem_conv/kernel": np.zeros(1)})
    with pytest.raises(MedcnnError, match=r"stem_conv/kernel must .* is missing"):
        pretrained.assign(model, {})
