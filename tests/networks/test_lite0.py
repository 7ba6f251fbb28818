from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from medcnn.networks import pretrained
from medcnn.networks.pretrained import Arrays
from medcnn.params.catalogue import catalogue
from medcnn.params.shared.scaling import PREPROCESSING
from medcnn.weights import finding, torch_weights
from tests.lazy import lazy

keras = lazy("keras")
building = lazy("medcnn.networks.building")
preprocessing = lazy("medcnn.networks.preprocessing")

PUBLISHED_PARAMETERS = 4_652_008


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    path = finding.find("lite0", catalogue().medcnn["lite0"].imagenet)
    return torch_weights.lite0(path.read_bytes(), path.name)


@pytest.fixture(scope="module")
def classifier(arrays: Arrays) -> keras.Model:
    """The whole published network, with its 1000 classes."""
    backbone = building.build_backbone("lite0", "average", 224)
    output = keras.layers.Dense(1000, activation="softmax", name="classifier")(backbone.output)
    model = keras.Model(backbone.input, output)
    pretrained.assign(model, arrays)
    return model


@pytest.mark.parametrize(
    ("photo", "index"),
    [pytest.param("china.jpg", 698, id="palace n03877845"), pytest.param("flower.jpg", 985, id="daisy n11939491")],
)
def test_names_what_a_photo_shows(classifier: keras.Model, photo: str, index: int) -> None:
    probabilities = classifier.predict(_ready(load_sample_image(photo)), verbose=0)[0]
    runner_up, best = np.argsort(probabilities)[-2:]
    assert best == index
    assert probabilities[best] > 2 * probabilities[runner_up]


def test_uses_every_published_tensor_and_no_other(classifier: keras.Model, arrays: Arrays) -> None:
    used = {f"{layer.name}/{variable.name}" for layer in classifier.layers for variable in layer.variables}
    assert used == set(arrays)
    assert sum(np.prod(variable.shape) for variable in classifier.trainable_variables) == PUBLISHED_PARAMETERS


@pytest.mark.parametrize("size", [32, 45, 96])
def test_gives_1280_features_at_any_size(size: int) -> None:
    assert building.build_backbone("lite0", "average", size).output_shape == (None, 1280)


def _ready(photo: np.ndarray) -> np.ndarray:
    return preprocessing.layer(PREPROCESSING["lite"], 224)(_centre(photo)[None]).numpy()


def _centre(photo: np.ndarray) -> np.ndarray:
    """The published evaluation's crop: the central 224/256 of the shorter side, resized to 224."""
    image = Image.fromarray(photo)
    side = round(min(image.size) * 224 / 256)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC, (left, top, left + side, top + side)), "f4")
