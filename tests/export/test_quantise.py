from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from medcnn.dataset.part import Part
from medcnn.export.canonical import RAW, canonical
from medcnn.export.compose import calibrated
from medcnn.export.parity import answers
from medcnn.export.quantise import drawn, fewest, quantised
from medcnn.inference import sessions
from medcnn.params import whole
from medcnn.params.judging.benchmark import Benchmark
from tests.export.parts import part
from tests.project import ROOT

SIZE = 16
LAYERS = ["Conv", "Conv", "Conv", "MatMul"]


def settings(method: str = "minmax", drop: float = 0.01, rise: float = 0.05, choice: str = "balanced") -> Benchmark:
    block = whole.load(ROOT / "params.yaml").benchmark
    calibration = block.calibration.model_copy(update={"images": 30, "method": method, "choice": choice})
    limits = {"max_accuracy_drop": drop, "max_cross_entropy_rise": rise}
    return block.model_copy(update=limits | {"calibration": calibration})


def network(outlier: float = 1) -> onnx.ModelProto:
    """Convolutions of every kind, a residual, and a dense head; an outlier in a depthwise layer's range hurts it."""
    rng = np.random.default_rng(0)

    def weights(name: str, *shape: int, scale: float = 1) -> TensorProto:
        return numpy_helper.from_array((rng.normal(0, scale, shape)).astype(np.float32), name)

    stored = [
        weights("first", 8, 3, 3, 3, scale=0.3),
        weights("first_bias", 8, scale=0.1),
        weights("deep", 8, 1, 3, 3, scale=0.3),
        weights("norm", 1, 8, 1, 1),
        weights("shift", 1, 8, 1, 1),
        weights("point", 8, 8, 1, 1, scale=0.3),
        weights("kernel", 8, 3),
        weights("bias", 3, scale=0.1),
        numpy_helper.from_array(np.array(1 / 127.5, np.float32), "scale"),
        numpy_helper.from_array(np.array(-1, np.float32), "offset"),
        numpy_helper.from_array(np.array(0, np.float32), "none"),
        numpy_helper.from_array(np.array(6, np.float32), "six"),
    ]
    numbers = {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in stored}
    numbers["norm"][0, 0] *= outlier
    stored[3].CopyFrom(numpy_helper.from_array(numbers["norm"], "norm"))
    nodes = [
        helper.make_node("Mul", ["image", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], ["centred"]),
        helper.make_node("Transpose", ["centred"], ["x"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["x", "first", "first_bias"], ["c1"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Clip", ["c1", "none", "six"], ["r1"]),
        helper.make_node("Conv", ["r1", "deep"], ["c2"], pads=[1, 1, 1, 1], group=8),
        helper.make_node("Mul", ["c2", "norm"], ["n2"]),
        helper.make_node("Add", ["n2", "shift"], ["b2"]),
        helper.make_node("Conv", ["b2", "point"], ["c3"]),
        helper.make_node("Add", ["c3", "r1"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["r3"]),
        helper.make_node("GlobalAveragePool", ["r3"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["vector"]),
        helper.make_node("MatMul", ["vector", "kernel"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["answer"], axis=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", SIZE, SIZE, 3])
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph(nodes, "by_hand", [image], [answer], stored)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    return calibrated(canonical(made), 0.8)


def normalised_late() -> onnx.ModelProto:
    """A batch norm behind a sum, as in ResNetV2, then a layer."""
    rng = np.random.default_rng(0)
    shapes = {"first": (8, 3, 3, 3), "norm": (1, 8, 1, 1), "shift": (1, 8, 1, 1), "kernel": (8, 3)}
    stored = [
        numpy_helper.from_array(rng.normal(0, 0.3, shape).astype(np.float32), name) for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Transpose", ["image"], ["x"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["x", "first"], ["c"]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Add", ["c", "r"], ["sum"]),
        helper.make_node("Mul", ["sum", "norm"], ["n"]),
        helper.make_node("Add", ["n", "shift"], ["b"]),
        helper.make_node("Relu", ["b"], ["r2"]),
        helper.make_node("GlobalAveragePool", ["r2"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["vector"]),
        helper.make_node("MatMul", ["vector", "kernel"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["answer"], axis=1),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", SIZE, SIZE, 3])
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["n", 3])
    graph = helper.make_graph(nodes, "by_hand", [image], [answer], stored)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    return calibrated(canonical(made), 20)


def seen_by(model: onnx.ModelProto, seed: int, count: int = 48) -> Part:
    """Images labelled as the model sees them; every second place holds an image of another part."""
    rng = np.random.default_rng(seed)
    pixels = (rng.uniform(0, 1, (2 * count, SIZE, SIZE, 3)) * rng.uniform(0, 255, (2 * count, 1, 1, 3))).astype(
        np.uint8
    )
    indices = range(0, 2 * count, 2)
    return part(pixels, indices, answer(model, part(pixels, indices)).argmax(axis=1).tolist())


def answer(model: onnx.ModelProto, images: Part) -> np.ndarray:
    return answers(sessions.session(model.SerializeToString(), Path("model.onnx")), images)


def sha256(model: onnx.ModelProto) -> str:
    return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()


@pytest.fixture(scope="module")
def easy() -> onnx.ModelProto:
    return network()


@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile"])
def test_every_layer_is_in_int8_where_that_costs_nothing(easy: onnx.ModelProto, method: str) -> None:
    before = easy.SerializeToString(deterministic=True)
    small, how = quantised(easy, seen_by(easy, 1), seen_by(easy, 2), settings(method, drop=0.1))
    assert (how.precision, how.layers, how.left_in_float) == ("int8", {"int8": 4, "float32": 0}, ())
    assert (how.trials, how.calibration_images, how.validation.images) == (1, 48, 48)
    test = seen_by(easy, 3)
    assert np.abs(answer(small, test) - answer(easy, test)).max() < 0.07
    onnx.checker.check_model(small, full_check=True)
    assert easy.SerializeToString(deterministic=True) == before


def test_only_layers_and_what_is_between_them_are_quantised(easy: onnx.ModelProto) -> None:
    small, _ = quantised(easy, seen_by(easy, 1), seen_by(easy, 2), settings())
    maker = {name: node for node in small.graph.node for name in node.output}
    layers = [node for node in small.graph.node if node.op_type in {"Conv", "Gemm", "MatMul"}]
    assert len(layers) == 4
    for layer in layers:
        assert {maker[name].op_type for name in layer.input if name} == {"DequantizeLinear"}
    stored = {tensor.name: tensor for tensor in small.graph.initializer}
    weights = [numpy_helper.to_array(stored[maker[layer.input[1]].input[0]]) for layer in layers]
    assert all(kept.dtype == np.int8 and np.abs(kept).max() == 64 for kept in weights)
    steps = [numpy_helper.to_array(stored[maker[layer.input[1]].input[1]]) for layer in layers]
    assert [step.size for step in steps] == [8, 8, 8, 3]
    (softmax,) = (node for node in small.graph.node if RAW in node.output)
    assert maker[softmax.input[0]].op_type in {"Gemm", "Add"}
    assert small.graph.node[0].op_type == "Mul"
    body = list(small.graph.node)[: list(small.graph.node).index(softmax)]
    assert not {"Relu", "Clip"} & {node.op_type for node in body}


def test_batch_norm_without_a_layer_before_it_is_a_layer() -> None:
    model = normalised_late()
    small, how = quantised(model, seen_by(model, 1), seen_by(model, 2), settings(drop=0.1))
    assert how.layers == {"int8": 3, "float32": 0}
    assert "Mul" not in {node.op_type for node in small.graph.node}
    test = seen_by(model, 3)
    assert np.abs(answer(small, test) - answer(model, test)).max() < 0.03


def test_what_rounding_adds_to_the_mean_is_taken_from_the_bias(easy: onnx.ModelProto) -> None:
    calibrating = seen_by(easy, 1)
    small, _ = quantised(easy, calibrating, seen_by(easy, 2), settings())
    difference = np.log(answer(small, calibrating)) - np.log(answer(easy, calibrating))
    assert np.abs(difference.mean(axis=0)).max() < 0.35 * np.abs(difference).max()


def test_the_layers_that_suffer_stay_in_float_and_are_named() -> None:
    model = network(outlier=30)
    calibrating, validation = seen_by(model, 1), seen_by(model, 2)
    small, how = quantised(model, calibrating, validation, settings(drop=0, rise=0.01))
    assert how.precision == "mixed"
    assert 1 <= len(how.left_in_float) == how.layers["float32"] < 4
    named = {node.name: node.op_type for node in model.graph.node}
    assert set(how.left_in_float) <= set(named)
    assert {named[name] for name in how.left_in_float} <= {"Conv", "MatMul"}
    assert how.trials > 1
    assert how.validation.accuracy_drop <= 0
    assert how.validation.cross_entropy_rise <= 0.01
    before, after = answer(model, validation), answer(small, validation)
    labels, rows = validation.labels, np.arange(len(validation))
    assert how.validation.cross_entropy_rise == pytest.approx(
        np.log(before[rows, labels] / after[rows, labels]).mean(), abs=1e-5
    )


def test_where_no_layer_may_be_in_int8_the_model_stays_as_it_was(easy: onnx.ModelProto) -> None:
    impossible = settings(rise=0).model_copy(update={"max_cross_entropy_rise": -1.0})
    same, how = quantised(easy, seen_by(easy, 1), seen_by(easy, 2), impossible)
    assert sha256(same) == sha256(easy)
    assert (how.precision, how.layers) == ("float32", {"int8": 0, "float32": 4})
    assert [name.split("_")[0] for name in how.left_in_float] == LAYERS
    assert how.validation.accuracy_drop == how.validation.cross_entropy_rise == 0


def test_images_of_other_parts_change_nothing(easy: onnx.ModelProto) -> None:
    calibrating, validation = seen_by(easy, 1), seen_by(easy, 2)
    others = calibrating.images.copy()
    others[1::2] = 255 - others[1::2]
    elsewhere = replace(calibrating, images=others)
    found = [quantised(easy, images, validation, settings())[0] for images in (calibrating, elsewhere)]
    assert sha256(found[0]) == sha256(found[1])


@pytest.mark.slow
def test_every_process_makes_the_same_bytes() -> None:
    """Of a search, in which every layer is compared: hash order leaves no trace."""
    found = [
        subprocess.run(
            [sys.executable, "-m", "tests.export.test_quantise"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert found[0] == found[1] != ""


@pytest.mark.parametrize(("choice", "expected"), [("balanced", [4, 4, 2]), ("random", None)])
def test_calibration_images_are_drawn_from_the_classes_in_turn(choice: str, expected: list[int] | None) -> None:
    labels = [0] * 60 + [1] * 30 + [2] * 2
    training = part(np.zeros((200, 2, 2, 3), np.uint8), range(100, 192), labels)
    calibration = settings(choice=choice).calibration.model_copy(update={"images": 10})
    found = drawn(training, calibration, 7)
    assert len(found) == 10
    assert found.image_ids == drawn(training, calibration, 7).image_ids != drawn(training, calibration, 8).image_ids
    assert found.indices.tolist() == sorted(set(found.indices))
    assert [labels[index - 100] for index in found.indices] == found.labels.tolist()
    if expected:
        assert np.bincount(found.labels).tolist() == expected
    assert len(drawn(training, calibration.model_copy(update={"images": 500}), 7)) == 92


@pytest.mark.parametrize("needed", range(1, 12))
def test_the_search_finds_the_fewest_and_asks_seldom(needed: int) -> None:
    asked: list[int] = []

    def enough(count: int) -> bool:
        asked.append(count)
        return count >= needed

    assert fewest(enough, 11) == needed
    assert len(asked) == len(set(asked)) <= 7
    assert 11 not in asked


def main() -> None:
    model = network(outlier=30)
    small, how = quantised(model, seen_by(model, 1), seen_by(model, 2), settings(drop=0, rise=0.01))
    print(sha256(small), how)


if __name__ == "__main__":
    main()
