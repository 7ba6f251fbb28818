from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnxruntime import InferenceSession

from medcnn.core.errors import MedcnnError
from medcnn.networks import pretrained
from medcnn.networks.keras_file import read
from medcnn.params.catalogue import catalogue
from medcnn.params.shared.scaling import PREPROCESSING
from tests.lazy import lazy
from tests.networks.blocks import keras_file, pixels

keras = lazy("keras")
convert = lazy("medcnn.export.convert")
applications = lazy("medcnn.networks.applications")
building = lazy("medcnn.networks.building")
preprocessing = lazy("medcnn.networks.preprocessing")


@pytest.fixture(scope="module")
def mobile() -> keras.Model:
    keras.utils.set_random_seed(1)
    return keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(32, 32, 3))


@pytest.fixture(scope="module")
def published(mobile: keras.Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return keras_file(tmp_path_factory.mktemp("mobile") / "weights.h5", mobile)


def test_names_do_not_depend_on_what_was_built_before() -> None:
    # Keras counts the layers of this one through the whole process.
    first, second = (building.build_backbone("Xception", "average", 71) for _ in range(2))
    assert first.get_config() == second.get_config()


def test_a_published_file_gives_the_networks_numbers(mobile: keras.Model, published: Path) -> None:
    backbone, images = building.build_backbone("MobileNetV2", "average", 32), pixels(2, 32) / 127.5 - 1
    pretrained.load_into(backbone, published.parent)
    expected = mobile(images, training=False).numpy().mean(axis=(1, 2))
    np.testing.assert_allclose(backbone(images, training=False), expected, atol=1e-6)


def test_the_file_of_another_network_is_refused(published: Path) -> None:
    with pytest.raises(MedcnnError, match=r"weights\.h5: has 104 layers with weights, this backbone has 13$"):
        pretrained.load_into(building.build_backbone("VGG16", "average", 32), published.parent)


def test_a_file_of_other_shapes_is_refused(tmp_path: Path) -> None:
    narrow = keras.applications.MobileNetV2(alpha=0.35, include_top=False, weights=None, input_shape=(32, 32, 3))
    keras_file(tmp_path / "weights.h5", narrow)
    with pytest.raises(MedcnnError, match=r"layer Conv1 must have weights of shapes \[\(3, 3, 3, 32\)\], has \[\(3, 3"):
        pretrained.load_into(building.build_backbone("MobileNetV2", "average", 32), tmp_path)


@pytest.mark.parametrize("keep", [0, 5000, 1_000_000])
def test_a_broken_file_is_refused(published: Path, tmp_path: Path, keep: int) -> None:
    (tmp_path / "weights.h5").write_bytes(published.read_bytes()[:keep])
    with pytest.raises(MedcnnError, match=r"weights\.h5: not a weights file of keras\.applications, or a broken one$"):
        read(tmp_path / "weights.h5")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["EfficientNetV2B0", "ConvNeXtTiny"])
def test_our_preprocessing_replaces_the_built_in_one(name: str, tmp_path: Path) -> None:
    original = getattr(keras.applications, name)(include_top=False, weights=None, input_shape=(32, 32, 3))
    keras_file(tmp_path / "weights.h5", original)
    backbone, images = building.build_backbone(name, "average", 32), pixels(2, 32)
    pretrained.load_into(backbone, tmp_path)
    ready = preprocessing.layer(PREPROCESSING[catalogue().keras[name].preprocessing], 32)(images)
    expected = original(images, training=False).numpy().mean(axis=(1, 2))
    np.testing.assert_allclose(backbone(ready, training=False), expected, atol=1e-5)


def test_layers_that_onnx_does_not_have_are_replaced_by_equal_ones() -> None:
    image = keras.Input((8, 8, 4), name="image")
    x = keras.layers.Conv2D(4, 3, groups=4, padding="same", bias_initializer="normal", name="depthwise_conv")(image)
    original = keras.Model(image, keras.layers.Activation("gelu", name="gelu")(x))
    network = applications.convertible(original)
    images = np.random.default_rng(0).normal(size=(2, 8, 8, 4)).astype("float32")
    for variable, value in zip(network.weights, original.weights, strict=True):
        variable.assign(value.numpy().reshape(variable.shape))
    answer = InferenceSession(convert.converted(network).SerializeToString()).run(None, {"image": images})[0]
    np.testing.assert_allclose(answer, original(images), atol=1e-6)
