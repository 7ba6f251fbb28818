"""ONNX graphs by what they compute: tensors that hold the same have the same key, whatever they are called."""

from __future__ import annotations

import hashlib
from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from onnx import AttributeProto, GraphProto, NodeProto, TensorProto, numpy_helper

RANDOM = frozenset(
    {"Bernoulli", "Dropout", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
"""Operators that answer differently every time, so that no two of their nodes are equal."""
INPUT_KEY = "input"
_ABSENT = {"": ""}

Path = tuple[str, ...]
"""Where a graph is: the key of the node and the name of the attribute for each graph that it is nested in."""


@dataclass(frozen=True)
class Step:
    """One of a graph's nodes, the first of those that are equal.

    Attributes:
        node: As it came.
        key: Of what it computes; output ``i`` of it has the key ``output(key, i)``.
        branches: The nodes of its nested graphs, by the name of the attribute.
    """

    node: NodeProto
    key: str
    branches: Mapping[str, Known]


@dataclass(frozen=True)
class Known:
    """A graph's nodes, each after those that feed it, without what its outputs do not depend on.

    Attributes:
        graph: As it came.
        steps: In the order in which a depth-first walk from the outputs is done with them.
        keys: By name: of its own tensors, and of those of the graphs around it.
    """

    graph: GraphProto
    steps: tuple[Step, ...]
    keys: Mapping[str, str]

    def used(self, path: Path = ()) -> Iterator[tuple[str, Path]]:
        """The keys of all inputs of its nodes, those of nested graphs included, and where each is used."""
        for step in self.steps:
            yield from ((self.keys[name], path) for name in step.node.input)
            for attribute, branch in step.branches.items():
                yield from branch.used((*path, step.key, attribute))


def known(graph: GraphProto, around: Mapping[str, str] | None = None) -> Known:
    """Read a graph.

    Args:
        graph: One input, or, where it is nested, none.
        around: The keys of the tensors around it, by name.
    """
    keys = ChainMap({}, dict(around or _ABSENT))
    keys.update({port.name: INPUT_KEY for port in graph.input})
    keys.update({tensor.name: tensor_key(tensor) for tensor in graph.initializer})
    steps: dict[str, Step] = {}
    for position, node in enumerate(_sorted_nodes(graph)):
        branches = {part.name: known(part.g, keys) for part in nested(node)}
        key = _node_key(node, [keys[name] for name in node.input], branches)
        key = f"{key}/{position}" if node.op_type in RANDOM else key
        keys.update({name: output(key, index) for index, name in enumerate(node.output) if name})
        steps.setdefault(key, Step(node, key, branches))
    return Known(graph, tuple(steps.values()), keys)


def output(key: str, index: int) -> str:
    """The key of a node's output."""
    return f"{key}:{index}"


def tensor_key(tensor: TensorProto) -> str:
    """The key of a stored tensor: of its type, shape and values."""
    values = numpy_helper.to_array(tensor)
    return _digest([str(tensor.data_type), str(tuple(tensor.dims)), values.tobytes()])


def nested(node: NodeProto) -> list[AttributeProto]:
    """The attributes of a node that are graphs, in the order of their names."""
    return sorted((part for part in node.attribute if part.type == AttributeProto.GRAPH), key=lambda part: part.name)


def plain(tensor: TensorProto, name: str) -> TensorProto:
    """The same values in the one of ONNX's several encodings that keeps them as raw bytes."""
    return numpy_helper.from_array(numpy_helper.to_array(tensor), name)


def plain_attributes(node: NodeProto) -> list[AttributeProto]:
    """The attributes of a node that are not graphs, in the order of their names, without descriptions."""
    kept = (part for part in node.attribute if part.type != AttributeProto.GRAPH)
    return sorted(map(_plain_attribute, kept), key=lambda part: part.name)


def _sorted_nodes(graph: GraphProto) -> list[NodeProto]:
    """The nodes that the outputs depend on, each after the ones that feed it, whatever order they came in."""
    maker = {name: index for index, node in enumerate(graph.node) for name in node.output if name}
    done: dict[int, NodeProto] = {}
    waiting = [maker[port.name] for port in reversed(graph.output) if port.name in maker]
    while waiting:
        node = graph.node[waiting[-1]]
        unmade = (maker[name] for name in _needed(node) if name in maker and maker[name] not in done)
        feeding = next(unmade, None)
        if feeding is None:
            done[waiting.pop()] = node
        else:
            waiting.append(feeding)
    return list(done.values())


def _needed(node: NodeProto) -> Iterable[str]:
    """The inputs of a node, and what its nested graphs take from around it."""
    yield from node.input
    for part in nested(node):
        yield from _captured(part.g)


def _captured(graph: GraphProto) -> Iterable[str]:
    own = {name for node in graph.node for name in node.output} | {tensor.name for tensor in graph.initializer}
    wanted = [name for node in _sorted_nodes(graph) for name in _needed(node)] + [port.name for port in graph.output]
    return dict.fromkeys(name for name in wanted if name and name not in own)


def _plain_attribute(attribute: AttributeProto) -> AttributeProto:
    result = AttributeProto()
    result.CopyFrom(attribute)
    result.ClearField("doc_string")
    if result.type == AttributeProto.TENSOR:
        result.t.CopyFrom(plain(attribute.t, ""))
    return result


def _node_key(node: NodeProto, inputs: Sequence[str], branches: Mapping[str, Known]) -> str:
    attributes = [part.SerializeToString(deterministic=True) for part in plain_attributes(node)]
    answers = [branch.keys[port.name] for branch in branches.values() for port in branch.graph.output]
    given = "".join("1" if name else "0" for name in node.output)
    return _digest([node.domain, node.op_type, given, *inputs, "", *attributes, "", *answers])


def _digest(parts: Iterable[str | bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(f"{len(content)},".encode())
        digest.update(content)
    return digest.hexdigest()
