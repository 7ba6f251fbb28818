from __future__ import annotations

import numpy as np
import pytest
from matplotlib import cbook
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

PUBLISHED_PARAMETERS = {"lite0": 4_652_008, "lite1": 5_416_680, "lite2": 6_092_072}
"""Of networks with a classifier for 1000 classes."""
PALACE, UNIFORM = 698, 652
"""Of ImageNet's classes, n03877845 and n03763968."""
SIZES = {"lite0": 224, "lite1": 240, "lite2": 260}


@pytest.fixture(scope="module", params=PUBLISHED_PARAMETERS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def arrays(name: str) -> Arrays:
    path = finding.find(name, catalogue().medcnn[name].imagenet)
    return torch_weights.lite(path.read_bytes(), path.name)


@pytest.fixture(scope="module")
def classifier(name: str, arrays: Arrays) -> keras.Model:
    """The whole published network, with its 1000 classes."""
    backbone = building.build_backbone(name, "average", SIZES[name])
    output = keras.layers.Dense(1000, activation="softmax", name="classifier")(backbone.output)
    model = keras.Model(backbone.input, output)
    pretrained.assign(model, arrays)
    return model


def test_names_the_palace_of_a_photo(name: str, classifier: keras.Model) -> None:
    probabilities = classifier.predict(_ready(load_sample_image("china.jpg"), SIZES[name]), verbose=0)[0]
    runner_up, best = np.argsort(probabilities)[-2:]
    assert best == PALACE
    assert probabilities[best] > 2 * probabilities[runner_up]


def test_sees_the_uniform_of_a_portrait(name: str, classifier: keras.Model) -> None:
    with cbook.get_sample_data("grace_hopper.jpg") as file:
        portrait = np.asarray(Image.open(file).convert("RGB"))
    probabilities = classifier.predict(_ready(portrait, SIZES[name]), verbose=0)[0]
    assert UNIFORM in np.argsort(probabilities)[-3:]


def test_uses_every_published_tensor_and_no_other(name: str, classifier: keras.Model, arrays: Arrays) -> None:
    used = {f"{layer.name}/{variable.name}" for layer in classifier.layers for variable in layer.variables}
    assert used == set(arrays)
    assert sum(np.prod(variable.shape) for variable in classifier.trainable_variables) == PUBLISHED_PARAMETERS[name]


@pytest.mark.parametrize("size", [32, 45, 96])
def test_gives_1280_features_at_any_size(name: str, size: int) -> None:
    assert building.build_backbone(name, "average", size).output_shape == (None, 1280)


def _ready(photo: np.ndarray, size: int) -> np.ndarray:
    return preprocessing.layer(PREPROCESSING["lite"], size)(_centre(photo, size)[None]).numpy()


def _centre(photo: np.ndarray, size: int) -> np.ndarray:
    """The published evaluation's crop, the centre without a border of 32 pixels after resizing, of ``size`` pixels."""
    image = Image.fromarray(photo)
    side = round(min(image.size) * size / (size + 32))
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return np.asarray(image.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side)), "f4")
