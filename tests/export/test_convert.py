from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset.part import Part
from medcnn.inference import sessions
from medcnn.params.shared.models import Tta
from tests.export.networks import small_network
from tests.export.parts import part
from tests.networks.blocks import built, settings

if TYPE_CHECKING:
    import keras
    import onnx

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

SIZE = 24


@pytest.fixture(scope="module", params=[2, 3])
def model(request: pytest.FixtureRequest) -> keras.Model:
    return small_network(request.param, SIZE)


@pytest.fixture(scope="module")
def three() -> keras.Model:
    return small_network(3, SIZE)


def converted(model: keras.Model) -> onnx.ModelProto:
    from medcnn.export.convert import converted

    return converted(model)


def images(count: int = 45) -> Part:
    pixels = np.random.default_rng(0).integers(0, 256, (count + 5, SIZE, SIZE, 3), np.uint8)
    return part(pixels, range(5, count + 5))


def session_of(model: keras.Model) -> Any:
    return sessions.session(converted(model).SerializeToString(), Path("model.onnx"))


def test_every_class_has_a_probability_at_any_batch_size(model: keras.Model) -> None:
    from medcnn.export import convert

    session, classes = session_of(model), max(2, model.output_shape[-1])
    (port_in,), (port_out,) = session.get_inputs(), session.get_outputs()
    assert (port_in.name, port_in.type, port_in.shape) == ("image", "tensor(float)", ["batch", SIZE, SIZE, 3])
    assert (port_out.name, port_out.shape) == ("probabilities", ["batch", classes])
    expected = convert.answers(model, images())
    assert expected.shape == (45, classes)
    assert expected.sum(axis=1) == pytest.approx(np.ones(45), abs=1e-6)
    for size in (45, 1):
        answer = sessions.probabilities(session, images().first(size))
        np.testing.assert_allclose(answer, expected[:size], atol=1e-5)


def test_pooled_stages_of_a_backbone_are_part_of_the_file() -> None:
    from medcnn.export import convert

    model = built(settings("lite0", features="stages", frozen_norm=True), 32, 3)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), np.uint8)
    answer = sessions.probabilities(session_of(model), pixels.astype(np.float32))
    np.testing.assert_allclose(answer, convert.answers(model, part(pixels, range(6))), atol=1e-5)


@pytest.mark.parametrize(("tta", "size"), [("flips", 24), ("views", 24), ("views", 32)])
def test_the_views_of_an_image_are_part_of_the_file(tta: Tta, size: int) -> None:
    from medcnn.export import convert
    from medcnn.networks import averaging

    averaged = averaging.averaged(small_network(2, size), tta)
    pixels = np.random.default_rng(0).integers(0, 256, (5, size, size, 3), np.uint8)
    answers = sessions.probabilities(session_of(averaged), pixels.astype(np.float32))
    np.testing.assert_allclose(answers, convert.answers(averaged, part(pixels, range(5))), atol=1e-5)


def test_the_same_weights_in_another_model_give_the_same_bytes(three: keras.Model) -> None:
    same = small_network(3, SIZE)
    assert converted(three).SerializeToString() == converted(same).SerializeToString()


def test_augmentation_inside_a_model_is_refused(three: keras.Model) -> None:
    import keras

    image = keras.Input((SIZE, SIZE, 3), name="image")
    augmenting = keras.Model(image, three(keras.layers.RandomRotation(0.1)(image)))
    with pytest.raises(MedcnnError, match="no counterpart in ONNX: No Op registered for StatelessRandomUniformV2"):
        converted(augmenting)


def test_a_reshape_that_changes_nothing_is_left_out() -> None:
    import keras

    image = keras.Input((8, 8, 3), name="image")
    pixel = keras.layers.Conv2D(4, 8, activation="relu")(image)
    again = keras.layers.DepthwiseConv2D(3, padding="same", activation="relu")(pixel)
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(6, 1)(again))
    model = keras.Model(image, keras.layers.Dense(3, activation="softmax")(pooled))
    result = converted(model)
    assert "Reshape" not in {node.op_type for node in result.graph.node}
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3)).astype(np.float32)
    session = sessions.session(result.SerializeToString(), Path("model.onnx"))
    answer = session.run(None, {"image": images})[0]
    np.testing.assert_allclose(answer, model.predict_on_batch(images), atol=1e-5)
