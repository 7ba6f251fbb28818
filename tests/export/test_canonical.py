from __future__ import annotations

import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from medcnn.core.errors import MedcnnError
from medcnn.export.canonical import canonical

SHAPE = ("n", 4)


def port(name: str, shape: tuple[object, ...] = SHAPE) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))


def network(prefix: str = "", order: tuple[int, ...] = (0, 1, 2, 3), **more: object) -> onnx.ModelProto:
    """Two branches of one split, joined again; names, and the order of nodes and weights, as asked."""
    values = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    names = {name: f"{prefix}{name}" for name in ("scale", "shift", "sizes", "left", "right", "moved")}
    nodes = [
        helper.make_node("Split", ["in", names["sizes"]], [names["left"], names["right"]], axis=1),
        helper.make_node("Mul", [names["left"], names["scale"]], [names["moved"]], name=f"{prefix}mul"),
        helper.make_node("Clip", [names["right"], "", names["shift"]], [f"{prefix}clipped"], doc_string=prefix),
        helper.make_node("Concat", [names["moved"], f"{prefix}clipped"], ["out"], axis=1),
    ]
    weights = [
        numpy_helper.from_array(np.array([2, 2]), names["sizes"]),
        numpy_helper.from_array(values[0, :2], names["scale"]),
        numpy_helper.from_array(values[1, 0], names["shift"]),
    ]
    graph = helper.make_graph(
        [nodes[index] for index in order],
        f"{prefix}graph",
        [port("in")],
        [port("out")],
        weights[:: -1 if prefix else 1],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8, **more)


def content(model: onnx.ModelProto) -> bytes:
    return canonical(model).SerializeToString(deterministic=True)


def answer(model: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: images})[0]


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_names_orders_and_descriptions_leave_no_trace(order: tuple[int, ...]) -> None:
    other = network("run_2/", order, producer_name="someone", producer_version="9", doc_string="made at noon")
    other.opset_import.append(helper.make_opsetid("ai.onnx.ml", 2))
    assert content(other) == content(network())


def test_another_weight_or_another_attribute_gives_another_file() -> None:
    heavier, turned = network(), network()
    heavier.graph.initializer[1].raw_data = np.array([1, 2], np.float32).tobytes()
    turned.graph.node[3].attribute[0].i = 0
    assert len({content(model) for model in (network(), heavier, turned)}) == 3


def test_it_answers_as_before() -> None:
    images = np.random.default_rng(1).normal(size=(5, 4)).astype(np.float32)
    result = canonical(network("run_2/"))
    onnx.checker.check_model(result, full_check=True)
    np.testing.assert_array_equal(answer(result, images), answer(network("run_2/"), images))


def test_names_say_what_and_where_in_the_graph() -> None:
    graph = canonical(network("run_2/")).graph
    assert [(node.name, list(node.input), list(node.output)) for node in graph.node] == [
        ("Split_0", ["image", "Split_0.1"], ["Split_0", "Split_0:1"]),
        ("Mul_1", ["Split_0", "Mul_1.1"], ["Mul_1"]),
        ("Clip_2", ["Split_0:1", "", "Clip_2.2"], ["Clip_2"]),
        ("Concat_3", ["Mul_1", "Clip_2"], ["probabilities"]),
    ]
    assert [tensor.name for tensor in graph.initializer] == ["Clip_2.2", "Mul_1.1", "Split_0.1"]
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_what_the_output_does_not_need_is_dropped() -> None:
    model = network()
    model.graph.node.append(helper.make_node("Relu", ["left"], ["nowhere"], name="idle"))
    model.graph.initializer.append(numpy_helper.from_array(np.ones(9), "unused"))
    assert content(model) == content(network())


def test_tensors_are_stored_in_one_way() -> None:
    typed = network()
    values = numpy_helper.to_array(typed.graph.initializer[1])
    typed.graph.initializer[1].CopyFrom(helper.make_tensor("scale", TensorProto.FLOAT, [2], values))
    assert not typed.graph.initializer[1].raw_data
    assert content(typed) == content(network())


def test_constants_inside_nodes_lose_their_names() -> None:
    def filled(name: str) -> onnx.ModelProto:
        value = numpy_helper.from_array(np.array([3], np.float32), name)
        nodes = [helper.make_node("ConstantOfShape", ["in"], ["out"], value=value)]
        shape = helper.make_tensor_value_info("in", TensorProto.INT64, [2])
        return helper.make_model(helper.make_graph(nodes, name, [shape], [port("out")]))

    assert content(filled("const__7")) == content(filled("const__32"))


def test_metadata_is_kept_in_the_order_of_its_keys() -> None:
    model = network()
    helper.set_model_props(model, {"study": "phantom", "model": "tiny"})
    assert [(entry.key, entry.value) for entry in canonical(model).metadata_props] == [
        ("model", "tiny"),
        ("study", "phantom"),
    ]


def test_equal_weights_and_equal_nodes_are_there_once() -> None:
    nodes = [
        helper.make_node("Mul", ["in", "two"], ["left"]),
        helper.make_node("Mul", ["in", "also_two"], ["right"]),
        helper.make_node("Mul", ["in", "three"], ["other"]),
        helper.make_node("Sum", ["left", "right", "other"], ["out"]),
    ]
    values = {"two": 2, "also_two": 2, "three": 3}
    weights = [numpy_helper.from_array(np.full(4, value, np.float32), name) for name, value in values.items()]
    graph = helper.make_graph(nodes, "twice", [port("in")], [port("out")], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    result = canonical(model)
    assert [node.name for node in result.graph.node] == ["Mul_0", "Mul_1", "Sum_2"]
    assert list(result.graph.node[2].input) == ["Mul_0", "Mul_0", "Mul_1"]
    assert len(result.graph.initializer) == 2
    images = np.ones((2, 4), np.float32)
    np.testing.assert_array_equal(answer(result, images), answer(model, images))
    assert canonical(result) == result


def test_equal_nodes_that_draw_at_random_stay_apart() -> None:
    nodes = [helper.make_node("RandomNormalLike", ["in"], [name]) for name in ("left", "right")]
    nodes.append(helper.make_node("Sub", ["left", "right"], ["out"]))
    result = canonical(helper.make_model(helper.make_graph(nodes, "noise", [port("in")], [port("out")])))
    assert [node.name for node in result.graph.node] == ["RandomNormalLike_0", "RandomNormalLike_1", "Sub_2"]


def branching(prefix: str = "", turned: bool = False) -> onnx.ModelProto:
    """Doubles what is positive on the whole, and adds to what is not, with weights in several places."""

    def weight(name: str, value: float) -> TensorProto:
        return numpy_helper.from_array(np.array(value, np.float32), prefix + name)

    def node(operator: str, inputs: str, output: str, **more: object) -> onnx.NodeProto:
        names = [name if name == "in" else prefix + name for name in inputs.split()]
        return helper.make_node(operator, names, [output if output == "out" else prefix + output], **more)

    def branch(name: str, nodes: list[onnx.NodeProto], weights: list[TensorProto]) -> onnx.GraphProto:
        return helper.make_graph(nodes[::step], prefix + name, [], [port(prefix + name)], weights)

    step = -1 if turned else 1
    doubled = [node("Mul", "moved two", "doubled"), node("Add", "doubled tiny", "then")]
    added = [node("Add", "moved half", "more"), node("Add", "more also_tiny", "else")]
    then = branch("then", doubled, [weight("two", 2)])
    other = branch("else", added, [weight("half", 0.5), weight("also_tiny", 0.25)])
    nodes = [
        node("Add", "in tiny", "moved"),
        node("ReduceSum", "in", "total", keepdims=0),
        node("Greater", "total zero", "positive"),
        node("If", "positive", "out", then_branch=then, else_branch=other),
    ]
    weights = [weight("tiny", 0.25), weight("zero", 0)]
    graph = helper.make_graph(nodes[::step], prefix + "graph", [port("in")], [port("out")], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def test_nested_graphs_are_written_one_way_too() -> None:
    assert content(branching()) == content(branching("run_2/", turned=True))
    result = canonical(branching("run_2/"))
    onnx.checker.check_model(result, full_check=True)
    for images in (np.ones((3, 4), np.float32), -np.ones((3, 4), np.float32)):
        np.testing.assert_array_equal(answer(result, images), answer(branching(), images))
    assert canonical(result) == result


def test_a_weight_lives_in_the_innermost_graph_around_its_users() -> None:
    graph = canonical(branching()).graph
    other, then = (part.g for part in graph.node[3].attribute)
    assert [tensor.name for tensor in graph.initializer] == ["Add_2.1", "Greater_1.1"]
    assert [tensor.name for tensor in other.initializer] == ["If_3/else_branch/Add_0.1"]
    assert [tensor.name for tensor in then.initializer] == ["If_3/then_branch/Mul_0.1"]
    assert [list(node.input) for node in other.node] == [
        ["Add_2", "If_3/else_branch/Add_0.1"],
        ["If_3/else_branch/Add_0", "Add_2.1"],
    ]


def test_the_raw_probabilities_keep_their_reserved_name() -> None:
    names = [list(node.output) for node in canonical(network(), "moved").graph.node]
    assert names == [["Split_0", "Split_0:1"], ["uncalibrated"], ["Clip_2"], ["probabilities"]]
    assert canonical(canonical(network(), "moved")) == canonical(network(), "moved")


def with_two_inputs() -> onnx.ModelProto:
    model = network()
    model.graph.input.append(port("second"))
    return model


def with_loop() -> onnx.ModelProto:
    body = helper.make_graph([], "body", [port("once")], [port("once")])
    model = network()
    model.graph.node[3].CopyFrom(helper.make_node("Loop", ["", "", "moved"], ["out"], body=body))
    return model


def with_weights_elsewhere() -> onnx.ModelProto:
    model = network()
    onnx.external_data_helper.set_external_data(model.graph.initializer[1], "../secret.bin")
    model.graph.initializer[1].data_location = TensorProto.EXTERNAL
    return model


def with_functions() -> onnx.ModelProto:
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    own = helper.make_function("own", "Rectified", ["x"], ["y"], nodes, [helper.make_opsetid("", 15)])
    return network(functions=[own])


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (with_two_inputs(), "several inputs or outputs"),
        (with_loop(), "loops"),
        (with_weights_elsewhere(), "weights in other files"),
        (with_functions(), "functions of its own"),
    ],
)
def test_what_has_no_canonical_form_is_refused(model: onnx.ModelProto, fault: str) -> None:
    with pytest.raises(MedcnnError, match=fault):
        canonical(model)


def test_neither_it_nor_the_runtime_needs_tensorflow() -> None:
    script = "import sys, medcnn.export.canonical, medcnn.inference.sessions; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
