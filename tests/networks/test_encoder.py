from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.params.encoders import Encoder
from medcnn.params.shared.scaling import PREPROCESSING
from medcnn.weights import storing
from tests.inference import hostile
from tests.lazy import lazy
from tests.networks.blocks import pixels, settings
from tests.weights.encoder_files import FEATURES, encoder

pytestmark = pytest.mark.tensorflow

keras = lazy("keras")
averaging = lazy("medcnn.networks.averaging")
building = lazy("medcnn.networks.building")
cost = lazy("medcnn.networks.cost")
encoders = lazy("medcnn.networks.encoder")
joining = lazy("medcnn.networks.joining")
onnx_sessions = lazy("medcnn.core.onnx_sessions")
precision = lazy("medcnn.networks.precision")
pretrained = lazy("medcnn.networks.pretrained")
saving = lazy("medcnn.networks.saving")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """What the stage ``weights`` leaves of a small encoder."""
    model = settings("onnx", weights=str(encoder(tmp_path / "mine.onnx")), frozen=True)
    storing.write("mine", model, {}, tmp_path / "weights")
    return tmp_path / "weights"


def built(weights: Path, size: int = 16) -> keras.Model:
    model = settings("onnx", weights="mine.onnx", frozen=True, dropout=0.1)
    return building.build(model, size, 3, pretrained.preprocessing(weights), weights)


def test_features_are_those_of_onnx_runtime_behind_the_encoders_own_normalisation(weights: Path) -> None:
    images = pixels(5, 16)
    session = onnx_sessions.opened((weights / "encoder.onnx").read_bytes(), "encoder", threads=1)
    steps = PREPROCESSING["torch"]
    given = (images * steps.scale + steps.offset).astype(np.float32)
    expected = session.run(None, {"pixels": given})[0][:, 0, 0]
    np.testing.assert_allclose(building.extractor(built(weights))(images), expected, atol=1e-5)


def test_a_saved_model_answers_as_before_and_counts_what_its_file_holds(weights: Path, tmp_path: Path) -> None:
    model = built(weights)
    saving.save(model, tmp_path / "model.keras")
    again = saving.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(pixels(4, 16)).numpy(), again(pixels(4, 16)).numpy())
    assert cost.parameters(again) == FEATURES * 3 * 4 * 4 + FEATURES * 3 + 3
    assert cost.macs(again) == 4 * 4 * FEATURES * 3 * 4 * 4 + FEATURES * 3
    assert cost.parameters(again, trainable=True) == FEATURES * 3 + 3


@pytest.mark.parametrize("several", ["networks", "views"])
def test_the_parts_around_an_encoder_and_itself_are_the_model(several: str, weights: Path) -> None:
    model = joining.joined([built(weights, size=24), built(weights, size=24)])
    if several == "views":
        model = averaging.averaged(model, "views")
    before, behind = encoders.around(model)
    images = pixels(3, 24)
    parts = behind(encoders.within(model)(before(images)))
    np.testing.assert_allclose(parts, model(images), atol=1e-6)


def test_images_of_another_size_are_resized_to_the_one_it_takes(weights: Path) -> None:
    assert building.extractor(built(weights, size=24))(pixels(2, 24)).shape == (2, FEATURES)


def test_in_bfloat16_the_encoder_stays_as_it_is(weights: Path) -> None:
    model = built(weights)
    features = [building.extractor(each)(pixels(2, 16)) for each in (model, precision.in_bfloat16(model))]
    np.testing.assert_allclose(features[0], features[1], rtol=0.02, atol=0.02)


def test_a_harmful_file_within_a_layer_is_not_opened() -> None:
    far = hostile.model([hostile.helper.make_node("Add", ["average", "constant"], ["probabilities"])])
    far.graph.initializer.append(hostile.elsewhere("secret"))
    content = far.SerializeToString()
    layer = encoders.Encoder(size=hostile.SIDE, maps=(1, 1, 3), size_in_bytes=len(content), parameters=0, macs=0)
    layer.content.assign(np.frombuffer(content, np.uint8))
    with pytest.raises(Exception, match="was not opened"):
        layer(pixels(1, hostile.SIDE))


def test_without_the_stage_weights_one_line_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match="dvc repro weights@mine"):
        encoders.body(tmp_path / "mine", 16)


def test_an_encoder_by_name_has_its_own_normalisation(tmp_path: Path) -> None:
    own = Encoder(file=str(encoder(tmp_path / "e.onnx")), mean=(0.5, 0.5, 0.5), deviation=(0.25, 0.25, 0.25))
    storing.write("m", settings("onnx", weights="own", frozen=True), {"own": own}, tmp_path / "weights")
    steps = pretrained.preprocessing(tmp_path / "weights")
    assert (steps.scale, steps.offset) == ((1 / 63.75,) * 3, (-2.0,) * 3)
