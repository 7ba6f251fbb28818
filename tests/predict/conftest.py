"""A model of one layer, made without TensorFlow: the brighter the image, the more probable is ``bright``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from medcnn.__main__ import main
from medcnn.inference import novelty
from medcnn.inference.card import Card
from medcnn.reading import decode
from tests.conftest import encoded, picture

SIDE = 32
CLASSES = ("dark", "bright")


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit code."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture
def predict(capfd: pytest.CaptureFixture[str], model: Path) -> Callable[..., Done]:
    """Run ``python -m medcnn predict MODEL arguments`` in this process."""

    def run(*arguments: str | Path, model: Path = model) -> Done:
        capfd.readouterr()
        code = 0
        try:
            main(["predict", str(model), *map(str, arguments)])
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capfd.readouterr()
        return Done(code, printed.out, printed.err)

    return run


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of two classes with the card of an export."""
    return save(tmp_path_factory.mktemp("model") / "model.onnx", card())


def card(**changes: object) -> Card:
    """A card of the two classes."""
    seen = np.stack([decode.pixels(encoded(picture(seed)), SIDE, "stretch") for seed in range(40)])
    values = {
        "study": "shades",
        "model": "mean",
        "class_names": CLASSES,
        "positive": "bright",
        "image_size": SIDE,
        "fit": "stretch",
        "precision": "float32",
        "temperature": 1.5,
        "conformal_threshold": 0.6,
        "conformal_coverage": 0.9,
        "operating_points": {"bright": 0.9},
        "metrics": {"validation": {"accuracy": 0.9, "cross_entropy": 0.3, "images": 20}},
        "data_sha256": "0" * 64,
        "weights_sha256": {"mean": "1" * 64},
        "novelty": novelty.fitted(seen[:20], seen[20:]),
    }
    return Card(**{**values, **changes})


def save(path: Path, described: Card | None, slope: float = 1 / 48) -> Path:
    """Softmax of a score a class: that of the first is 0, that of the second rises with the mean of all pixels."""
    classes = len(described.class_names) if described else 2
    weights = np.zeros((3, classes), np.float32)
    weights[:, 1] = slope
    bias = np.zeros(classes, np.float32)
    bias[1] = -8
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["image"], ["means"], axes=[1, 2], keepdims=0),
            helper.make_node("MatMul", ["means", "weights"], ["scores"]),
            helper.make_node("Add", ["scores", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ],
        "mean",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", classes])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    if described:
        helper.set_model_props(made, described.metadata)
    onnx.save(made, path)
    return path
