from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.params.encoders import Encoder
from medcnn.weights import encoders
from tests.inference import hostile
from tests.weights.encoder_files import FEATURES, encoder


def images(count: int = 2) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(count, 16, 16, 3)).astype(np.float32)


def answer(content: bytes | str, given: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(content)
    return session.run(None, {session.get_inputs()[0].name: given})[0]


@pytest.mark.parametrize("made", [{}, {"channels_first": False}, {"opset": 13}, {"size": "S"}, {"second_output": True}])
@pytest.mark.parametrize("kind", ["vector", "tokens", "maps"])
def test_an_encoder_of_any_layout_answers_as_before(tmp_path: Path, kind: str, made: dict[str, Any]) -> None:
    path = encoder(tmp_path / "e.onnx", kind, **made)
    framed = encoders.framed(Encoder(file=str(path), input_size=16, output="y"))
    found = answer(framed.content, images())
    turned = images() if made.get("channels_first") is False else images().transpose(0, 3, 1, 2)
    direct = answer(str(path), turned)
    if kind == "maps":
        expected = direct if made.get("channels_first") is False else direct.transpose(0, 2, 3, 1)
    else:
        expected = (direct if kind == "vector" else direct[:, 0])[:, None, None]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert framed.arguments["maps"] == list(found.shape[1:])
    # The convolution, in 4 x 4 places.
    assert framed.arguments["macs"] == 4 * 4 * FEATURES * 3 * 4 * 4
    assert framed.arguments["parameters"] == FEATURES * 3 * 4 * 4


def test_all_tokens_lie_side_by_side_to_be_pooled(tmp_path: Path) -> None:
    path = encoder(tmp_path / "e.onnx", "tokens")
    framed = encoders.framed(Encoder(file=str(path), tokens="all"))
    assert answer(framed.content, images()).shape == (2, 1, 16, FEATURES)


@pytest.mark.parametrize(
    ("made", "asked", "reason"),
    [
        ({"size": "S"}, {}, "set `input_size`"),
        ({}, {"input_size": 20}, "set `input_size`"),
        ({"answer": "tokens", "batch": 1}, {}, "any number of images"),
        ({"second_output": True}, {}, "one of y, gate"),
        ({}, {"output": "z"}, "one of y"),
        ({}, {"sha256": "0" * 64}, "sha256"),
        ({"domain": "com.elsewhere"}, {}, "not of the ONNX standard"),
    ],
)
def test_what_cannot_be_used_is_one_line_with_the_cure(
    tmp_path: Path, made: dict[str, Any], asked: dict[str, Any], reason: str
) -> None:
    path = encoder(tmp_path / "e.onnx", **made)
    with pytest.raises(MedcnnError) as refusal:
        encoders.framed(Encoder(file=str(path), **asked))
    assert reason in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_files_that_would_do_harm_or_are_no_encoders_are_not_opened(tmp_path: Path) -> None:
    far = hostile.model([hostile.helper.make_node("Add", ["average", "constant"], ["probabilities"])])
    far.graph.initializer.append(hostile.elsewhere("secret"))
    cut = hostile.plain().SerializeToString()[:40]
    cases = {"far": far.SerializeToString(), "text": b"not a model", "cut": cut}
    for name, content in cases.items():
        (tmp_path / f"{name}.onnx").write_bytes(content)
        with pytest.raises(MedcnnError, match=f"{name}.onnx"):
            encoders.framed(Encoder(file=str(tmp_path / f"{name}.onnx")))
    with pytest.raises(MedcnnError, match="no such file"):
        encoders.framed(Encoder(file="nowhere.onnx"))
