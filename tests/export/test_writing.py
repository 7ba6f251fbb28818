from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.export import writing
from medcnn.export.costing import cost
from medcnn.export.parity import Reference, answers
from medcnn.export.quantise import Quantised
from medcnn.inference import sessions
from medcnn.inference.card import Card
from tests.export.members import SIZE, member
from tests.export.parts import part
from tests.inference.cards import card

PIXELS = np.random.default_rng(0).integers(0, 256, (20, SIZE, SIZE, 3), np.uint8)
TEST = part(PIXELS, range(5, 20))
TINY = card(image_size=SIZE)


def reference(path: Path) -> Reference:
    """What the model itself answers."""
    session = sessions.session(member(0).SerializeToString(), path)
    return Reference(TEST, answers(session, TEST), np.zeros(len(TEST), bool))


def test_a_file_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "tiny" / "model.onnx"
    block = writing.write(member(0), TINY, path, reference(path))
    onnx.checker.check_model(onnx.load(path), full_check=True)
    read = Card.read(sessions.load(path).get_modelmeta().custom_metadata_map)
    assert read.metadata == TINY.metadata
    assert block["bytes"] == path.stat().st_size
    assert block["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (block["opset"], block["temperature"], block["conformal_threshold"]) == (15, 1.25, 0.5)
    assert block["parity"]["images"] == 15
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]


def test_a_quantised_file_says_how_precise_it_is(tmp_path: Path) -> None:
    path = tmp_path / "model.int8.onnx"
    even = np.full((4, 3), 1 / 3)
    made = Quantised("mixed", {"int8": 1, "float32": 1}, ("MatMul_5",), 8, cost(np.arange(4) % 3, even, even), 2)
    block = writing.write_int8(member(0), made, TINY, path)
    assert Card.read(sessions.load(path).get_modelmeta().custom_metadata_map).precision == "mixed"
    assert (block["precision"], block["left_in_float"], block["trials"]) == ("mixed", ("MatMul_5",), 2)
    assert block["validation"]["accuracy_drop"] == 0
    assert block["bytes"] == path.stat().st_size


def test_a_model_that_answers_otherwise_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(MedcnnError, match="of 15 "):
        writing.write(member(1), TINY, path, reference(path))
    assert not list(tmp_path.iterdir())
