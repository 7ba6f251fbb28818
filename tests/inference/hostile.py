"""ONNX files that ask for more than a network needs, built without ONNX's own checks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

SIDE = 4


def port(name: str, *shape: int | str, kind: int = TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def model(
    nodes: Sequence[NodeProto], constants: Sequence[TensorProto] = (), opsets: dict[str, int] | None = None
) -> ModelProto:
    """From ``image`` over its mean ``average`` (batch, 3) and the nodes to ``probabilities`` (batch, 3)."""
    first = helper.make_node("ReduceMean", ["image"], ["average"], axes=[1, 2], keepdims=0)
    ports = [port("image", "batch", SIDE, SIDE, 3)], [port("probabilities", "batch", 3)]
    graph = helper.make_graph([first, *nodes], "hostile", *ports, list(constants))
    imports = [helper.make_opsetid(domain, version) for domain, version in (opsets or {"": 15}).items()]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


def plain() -> ModelProto:
    """The harmless one."""
    return model(
        [helper.make_node("Add", ["average", "constant"], ["probabilities"])], [constant("constant", [1, 2, 3])]
    )


def constant(name: str, values: object, kind: str = "float32") -> TensorProto:
    return numpy_helper.from_array(np.array(values, kind), name)


def elsewhere(location: str, name: str = "constant") -> TensorProto:
    """A constant whose three floats lie in another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, "offset": "0", "length": "12"}.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def branching(branch: GraphProto) -> NodeProto:
    return helper.make_node("If", ["true"], ["constant"], then_branch=branch, else_branch=branch)


def branch_of(tensor: TensorProto) -> GraphProto:
    kept = helper.make_node("Identity", [tensor.name], ["kept"])
    return helper.make_graph([kept], "branch", [], [port("kept", 3)], [tensor])


def external(location: str, place: str) -> ModelProto:
    """A model with a constant elsewhere: among the ``initializer``, in an ``attribute`` or in a ``branch``."""
    add = helper.make_node("Add", ["average", "constant"], ["probabilities"])
    if place == "initializer":
        return model([add], [elsewhere(location)])
    if place == "attribute":
        return model([helper.make_node("Constant", [], ["constant"], value=elsewhere(location)), add])
    return model([branching(branch_of(elsewhere(location, "inner"))), add], [constant("true", True, "bool")])


def nested(depth: int) -> ModelProto:
    """Branches in branches."""
    graph = branch_of(constant("inner", [1, 2, 3]))
    for _ in range(depth - 1):
        node = helper.make_node(
            "If", ["true"], ["kept"], then_branch=graph, else_branch=branch_of(constant("i", [1, 2, 3]))
        )
        graph = helper.make_graph([node], "branch", [], [port("kept", 3)])
    add = helper.make_node("Add", ["average", "constant"], ["probabilities"])
    return model([branching(graph), add], [constant("true", True, "bool")])


def looping() -> ModelProto:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["x", "x"], ["y"])],
        "body",
        [port("i", kind=TensorProto.INT64), port("go", kind=TensorProto.BOOL), port("x", "batch", 3)],
        [port("on", kind=TensorProto.BOOL), port("y", "batch", 3)],
    )
    constants = [constant("trips", 2**62, "int64"), constant("true", True, "bool")]
    return model([helper.make_node("Loop", ["trips", "true", "average"], ["probabilities"], body=body)], constants)


def with_functions() -> ModelProto:
    """Functions that each call the one before twice: 2**30 nodes."""
    result = model([helper.make_node("f30", ["average"], ["probabilities"], domain="own")], opsets={"": 15, "own": 1})
    for level in range(31):
        calls = [helper.make_node(f"f{level - 1}", [x], [y], domain="own") for x, y in (("x", "m"), ("m", "y"))]
        body = calls if level else [helper.make_node("Neg", ["x"], ["y"])]
        imports = [helper.make_opsetid("", 15), helper.make_opsetid("own", 1)]
        result.functions.append(helper.make_function("own", f"f{level}", ["x"], ["y"], body, imports))
    return result


def sparse() -> ModelProto:
    result = model([helper.make_node("Add", ["average", "values"], ["probabilities"])])
    tensor = helper.make_sparse_tensor(constant("values", [1.0]), constant("indices", [0], "int64"), [10**9])
    result.graph.sparse_initializer.append(tensor)
    return result


def foreign() -> ModelProto:
    node = helper.make_node("Gelu", ["average"], ["probabilities"], domain="com.microsoft")
    return model([node], opsets={"": 15, "com.microsoft": 1})


def growing(how: str, elements: int) -> ModelProto:
    """A small file whose intermediate result has so many elements."""
    nodes, constants = {
        "ConstantOfShape": ([helper.make_node("ConstantOfShape", ["n"], ["big"])], {"n": [elements]}),
        "Expand": ([helper.make_node("Expand", ["one", "n"], ["big"])], {"n": [elements]}),
        "Tile": ([helper.make_node("Tile", ["one", "n"], ["big"])], {"n": [elements]}),
        "Range": ([helper.make_node("Range", ["from", "to", "by"], ["big"])], {"from": 0, "to": elements, "by": 1}),
        "Pad": ([helper.make_node("Pad", ["one", "n"], ["big"])], {"n": [0, elements]}),
    }[how]
    tensors = [constant(name, value, "int64") for name, value in constants.items()]
    total = helper.make_node("ReduceMax", ["big"], ["most"], keepdims=0)
    cast = helper.make_node("Cast", ["most"], ["most_float"], to=TensorProto.FLOAT)
    add = helper.make_node("Add", ["average", "most_float"], ["probabilities"])
    return model([*nodes, total, cast, add], [constant("one", [1.0]), *tensors])
