from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from medcnn.console import MedcnnError
from medcnn.onnx import runtime
from medcnn.onnx.heldout import HeldOut
from tests.onnx.networks import small_network

if TYPE_CHECKING:
    import keras

    from medcnn.onnx.export import Card

pytestmark = pytest.mark.slow

SIZE = 24
NAMES = {1: ("healthy", "tumour"), 3: ("a", "b", "ç")}


@pytest.fixture(scope="module", params=[2, 3])
def model(request: pytest.FixtureRequest) -> keras.Model:
    return small_network(request.param, SIZE)


@pytest.fixture(scope="module")
def three() -> keras.Model:
    return small_network(3, SIZE)


def held_out(label: str, count: int = 45) -> HeldOut:
    images = np.random.default_rng(0).integers(0, 256, (count + 5, SIZE, SIZE, 3), np.uint8)
    indices = tuple(range(5, count + 5))
    return HeldOut(images, indices, tuple(f"image_{index}" for index in indices), (label,) * count)


def card(model: keras.Model) -> Card:
    from medcnn.onnx.export import Card

    return Card("phantom", "small", NAMES[model.output_shape[-1]], SIZE, "stretch")


def session_of(model: keras.Model, **metadata: str) -> Any:
    from medcnn.onnx.export import serialized

    return runtime.session(serialized(model, metadata), Path("other.onnx"))


def test_a_file_gives_every_class_a_probability_at_any_batch_size(model: keras.Model, tmp_path: Path) -> None:
    from medcnn.onnx.export import export

    classes = NAMES[model.output_shape[-1]]
    test = held_out(classes[-1])
    exported = export(model, tmp_path / "model.onnx", card(model), test)
    session = runtime.load(tmp_path / "model.onnx")
    (port_in,), (port_out,) = session.get_inputs(), session.get_outputs()
    assert (port_in.name, port_in.type, port_in.shape) == ("image", "tensor(float)", ["batch", SIZE, SIZE, 3])
    assert (port_out.name, port_out.shape) == ("probabilities", ["batch", len(classes)])
    for size in (1, 45):
        images = test.first(size)
        answer = runtime.probabilities(session, images)
        assert answer.sum(axis=1) == pytest.approx(np.ones(size), abs=1e-6)
        expected = model.predict_on_batch(images)
        assert answer[:, -1] == pytest.approx(expected[:, -1], abs=1e-5)
    assert exported.parity.images == 45
    assert exported.parity.argmax_agreement == 1
    assert 0 <= exported.parity.max_difference < 1e-5
    assert exported.parity.accuracy_onnx == (answer.argmax(axis=1) == len(classes) - 1).mean()
    assert exported.parity.accuracy_keras == exported.parity.accuracy_onnx


def test_a_file_says_what_it_is(three: keras.Model, tmp_path: Path) -> None:
    from medcnn.onnx.export import export

    path = tmp_path / "deep" / "model.onnx"
    exported = export(three, path, card(three), held_out("a"))
    onnx.checker.check_model(onnx.load(path), full_check=True)
    facts = runtime.load(path).get_modelmeta().custom_metadata_map
    assert json.loads(facts.pop("class_names")) == ["a", "b", "ç"]
    assert facts == {"study": "phantom", "model": "small", "image_size": "24", "fit": "stretch"}
    assert exported.bytes == path.stat().st_size
    assert exported.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert exported.opset == onnx.load(path).opset_import[0].version == 15
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]


def test_the_same_weights_in_another_model_give_the_same_bytes(three: keras.Model) -> None:
    from medcnn.onnx.export import serialized

    assert serialized(three, {}) == serialized(small_network(3, SIZE), {})


def test_other_probabilities_are_a_mismatch(three: keras.Model) -> None:
    from medcnn.onnx.export import parity

    changed = small_network(3, SIZE)
    bias = changed.get_layer("head").get_layer("probabilities").bias
    bias.assign_add([0.01, 0, 0])
    with pytest.raises(
        MedcnnError, match=r"disagree on 45 of 45 test images, by 0\.00\d+ in a probability of image_\d+,"
    ) as error:
        parity(three, session_of(changed), NAMES[3], held_out("a"))
    assert "\n" not in str(error.value)


def test_not_a_number_is_a_mismatch(three: keras.Model) -> None:
    from medcnn.onnx.export import parity

    changed = small_network(3, SIZE)
    changed.get_layer("head").get_layer("probabilities").bias.assign([np.nan, 0, 0])
    with pytest.raises(MedcnnError, match="by nan in a probability"):
        parity(three, session_of(changed), NAMES[3], held_out("a"))


@pytest.mark.parametrize(("lead", "agrees"), [(0, True), (3e-4, False)])
def test_another_class_counts_unless_the_two_likeliest_are_even(lead: float, agrees: bool) -> None:
    from medcnn.onnx.export import parity

    one, other = (small_network(3, SIZE) for _ in range(2))
    for network, ahead in ((one, lead), (other, -5e-5)):
        output = network.get_layer("head").get_layer("probabilities")
        output.kernel.assign(output.kernel * 0)
        # The first two are 0.47 likely: a lead of 3e-4 is one of 1.4e-4 there, and what changes is below 1e-4.
        output.bias.assign([2 + ahead, 2, 0])
    session = session_of(other)
    if agrees:
        assert parity(one, session, NAMES[3], held_out("a")).argmax_agreement == 0
    else:
        with pytest.raises(MedcnnError, match=r"by 8\.\de-05 in a probability"):
            parity(one, session, NAMES[3], held_out("a"))


def test_augmentation_inside_a_model_is_refused_and_an_old_file_removed(three: keras.Model, tmp_path: Path) -> None:
    import keras

    from medcnn.onnx.export import export

    image = keras.Input((SIZE, SIZE, 3), name="image")
    augmenting = keras.Model(image, three(keras.layers.RandomRotation(0.1)(image)))
    path = tmp_path / "model.onnx"
    path.write_bytes(b"of an earlier run")
    with pytest.raises(MedcnnError, match="no counterpart in ONNX: No Op registered for StatelessRandomUniformV2"):
        export(augmenting, path, card(augmenting), held_out("a"))
    assert not list(tmp_path.iterdir())


def test_a_broken_file_is_named_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(MedcnnError, match=r"model\.onnx: ONNX Runtime .* cannot open it: ") as error:
        runtime.load(tmp_path / "model.onnx")
    assert "\n" not in str(error.value)
