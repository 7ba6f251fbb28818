"""One network, one file: an ONNX model rewritten so that its bytes depend on the network alone.

tf2onnx names nodes and tensors by a counter that runs through the whole process, sorts nodes by those names, and picks
one of several equal constants by their hash. Here everything takes its name and place from a walk over the graph.
"""

from __future__ import annotations

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from medcnn.console import MedcnnError
from medcnn.onnx.runtime import INPUT, OUTPUT

_NAME = "medcnn"


def canonical(model: ModelProto) -> ModelProto:
    """The same network with names, order and descriptions that do not depend on how it was made.

    Args:
        model: One input and one output, the first dimension of each being the batch.

    Returns:
        A model from ``image`` to ``probabilities``. Its nodes stand in the order in which a depth-first walk from the
        output back through their inputs is done with them, and are named by it (``Conv_3``), as are stored tensors,
        after their first user (``Conv_3.1``). What the output does not depend on is dropped, descriptions too.
        ``metadata_props`` are kept, sorted by key.

    Raises:
        MedcnnError: The model has several inputs or outputs, nested graphs, functions or weights in other files.
    """
    _refuse_unsupported(model)
    nodes = _in_order(model.graph)
    names = _names(model.graph, nodes)
    tensors = [_tensor(tensor, names[tensor.name]) for tensor in model.graph.initializer if tensor.name in names]
    graph = helper.make_graph(
        [_node(node, f"{node.op_type}_{position}", names) for position, node in enumerate(nodes)],
        _NAME,
        [_port(model.graph.input[0], INPUT)],
        [_port(model.graph.output[0], OUTPUT)],
        sorted(tensors, key=lambda tensor: tensor.name),
    )
    domains = {node.domain for node in nodes}
    opsets = sorted((opset.domain, opset.version) for opset in model.opset_import if opset.domain in domains)
    result = helper.make_model(
        graph,
        producer_name=_NAME,
        ir_version=model.ir_version,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in opsets],
    )
    helper.set_model_props(result, dict(sorted((entry.key, entry.value) for entry in model.metadata_props)))
    return result


def _refuse_unsupported(model: ModelProto) -> None:
    graph = model.graph
    nested = (AttributeProto.GRAPH, AttributeProto.GRAPHS)
    faults = {
        "several inputs or outputs": len(graph.input) != 1 or len(graph.output) != 1,
        "nested graphs (Loop, If or Scan)": any(kept.type in nested for node in graph.node for kept in node.attribute),
        "functions of its own": bool(model.functions),
        "weights in other files": any(map(onnx.external_data_helper.uses_external_data, graph.initializer)),
    }
    for fault, found in faults.items():
        if found:
            raise MedcnnError(f"the ONNX model has {fault}; only plain feed-forward networks can be exported")


def _in_order(graph: GraphProto) -> list[NodeProto]:
    """The nodes that the output depends on, each after the ones that feed it, whatever order they came in."""
    maker = {name: index for index, node in enumerate(graph.node) for name in node.output}
    done: dict[int, NodeProto] = {}
    waiting = [maker[graph.output[0].name]]
    while waiting:
        node = graph.node[waiting[-1]]
        unmade = (maker[name] for name in node.input if name in maker and maker[name] not in done)
        feeding = next(unmade, None)
        if feeding is None:
            done[waiting.pop()] = node
        else:
            waiting.append(feeding)
    return list(done.values())


def _names(graph: GraphProto, nodes: list[NodeProto]) -> dict[str, str]:
    """New names by old ones; the empty name stands for an optional input that is left out."""
    names = {"": "", graph.input[0].name: INPUT}
    for position, node in enumerate(nodes):
        own = f"{node.op_type}_{position}"
        # Whatever has no name by now was made by no node: it is stored, and this node is its first user.
        for index, name in enumerate(node.input):
            names.setdefault(name, f"{own}.{index}")
        for index, name in enumerate(filter(None, node.output)):
            names[name] = f"{own}:{index}" if index else own
    names[graph.output[0].name] = OUTPUT
    return names


def _node(node: NodeProto, own: str, names: dict[str, str]) -> NodeProto:
    inputs, outputs = ([names[name] for name in side] for side in (node.input, node.output))
    result = helper.make_node(node.op_type, inputs, outputs, name=own, domain=node.domain)
    result.attribute.extend(_attribute(kept) for kept in sorted(node.attribute, key=lambda kept: kept.name))
    return result


def _attribute(attribute: AttributeProto) -> AttributeProto:
    result = AttributeProto()
    result.CopyFrom(attribute)
    result.ClearField("doc_string")
    if result.type == AttributeProto.TENSOR:
        result.t.CopyFrom(_tensor(attribute.t, ""))
    return result


def _tensor(tensor: TensorProto, name: str) -> TensorProto:
    """The same values in the one of ONNX's several encodings that keeps them as raw bytes."""
    return numpy_helper.from_array(numpy_helper.to_array(tensor), name)


def _port(port: ValueInfoProto, name: str) -> ValueInfoProto:
    kind = port.type.tensor_type
    sizes = [dimension.dim_value or None for dimension in kind.shape.dim]
    return helper.make_tensor_value_info(name, kind.elem_type, ["batch", *sizes[1:]])
