from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from tests.lazy import lazy

exact = lazy("medcnn.networks.exact")
RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(2, 6, 9, 8)).astype(np.float32)


def stored(name: str, array: np.ndarray) -> TensorProto:
    return numpy_helper.from_array(array, name)


def model(operator: str, constants: list[TensorProto], **attributes: object) -> ModelProto:
    """One operator between int8 and back, so that all four that are computed here meet."""
    uint8 = [stored("scale", np.float32(0.05)), stored("zero", np.uint8(120))]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["d"]),
        helper.make_node(operator, ["d", *(constant.name for constant in constants)], ["y"], **attributes),
    ]
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "one", ports[:1], ports[1:], [*uint8, *constants])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


WEIGHTS = [stored("w", RNG.normal(size=(4, 6, 3, 3)).astype(np.float32)), stored("b", np.float32([1, 2, 3, 4]))]
OF_EACH_CHANNEL = [stored("w", RNG.normal(size=(6, 1, 3, 3)).astype(np.float32))]


@pytest.mark.parametrize(
    "made",
    [
        model("Conv", WEIGHTS, pads=[1, 0, 2, 1]),
        model("Conv", WEIGHTS, strides=[2, 2], auto_pad="SAME_UPPER"),
        model("Conv", WEIGHTS, strides=[2, 2], auto_pad="SAME_LOWER"),
        model("Conv", OF_EACH_CHANNEL, group=6, strides=[2, 2], pads=[0, 0, 1, 1]),
        model("MaxPool", [], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0]),
    ],
)
def test_it_answers_as_onnx_runtime_does(made: ModelProto) -> None:
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    [expected], [found] = (opened.run(None, {"x": IMAGES}) for opened in (session, exact.Exact(made)))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_an_image_alone_is_answered_as_among_others() -> None:
    """TensorFlow has a way of its own for it, whose sums follow the sizes of caches."""
    made = model("Conv", [stored("w", RNG.normal(size=(40, 600, 1, 1)).astype(np.float32))])
    images = RNG.normal(size=(2, 600, 1, 1)).astype(np.float32)
    [alone], [both] = (exact.Exact(made).run(None, {"x": some}) for some in (images[:1], images))
    np.testing.assert_array_equal(alone, both[:1])


def test_nodes_may_stand_before_what_they_read() -> None:
    made = model("Conv", WEIGHTS, pads=[1, 0, 2, 1])
    expected = exact.Exact(made).run(None, {"x": IMAGES})
    nodes = list(made.graph.node)
    del made.graph.node[:]
    made.graph.node.extend(reversed(nodes))
    np.testing.assert_array_equal(exact.Exact(made).run(None, {"x": IMAGES}), expected)


def test_votes_are_counted_as_onnx_runtime_does() -> None:
    constants = [stored("depth", np.int64([3])), stored("values", np.float32([0, 1]))]
    node = helper.make_node("OneHot", ["i", "depth", "values"], ["y"], axis=1)
    ports = [
        helper.make_tensor_value_info("i", TensorProto.INT64, [None, None]),
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * 3),
    ]
    graph = helper.make_graph([node], "one", ports[:1], ports[1:], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    [expected], [found] = (
        opened.run(None, {"i": np.int64([[0, 2], [1, 1]])}) for opened in (session, exact.Exact(made))
    )
    np.testing.assert_array_equal(found, expected)
