"""One network, one file: an ONNX model rewritten so that its bytes depend on the network alone.

tf2onnx names nodes and tensors by a counter that runs through the whole process, sorts nodes by those names, and picks
one of several equal constants by their hash. Here everything takes its name and place from a walk over the graph, and
what is equal is there once.

The passes of ``onnx_ir`` do not suffice. They keep the order of nodes and of weights that they find, merge equal nodes
in the outermost graph only, and say nothing of what two networks have in common, which a cascade has to know
(``content``); and they bring 80 MB of SymPy.
"""

from __future__ import annotations

import itertools
from collections import ChainMap
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field

import onnx
from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto, helper

from medcnn.core.errors import MedcnnError
from medcnn.export import content
from medcnn.export.content import Known, Path, Step
from medcnn.inference.sessions import INPUT, OUTPUT

RAW = "uncalibrated"
"""The name of the probabilities before the temperature: combined models are made of those of their members."""
_NAME = "medcnn"


def canonical(model: ModelProto, raw: str = RAW) -> ModelProto:
    """The same network with names, order and descriptions that do not depend on how it was made.

    Args:
        model: One input and one output, the first dimension of each being the batch.
        raw: Which of its tensors, if it has it, is to be called ``uncalibrated``.

    Returns:
        A model from ``image`` to ``probabilities``. Its nodes stand in the order in which a depth-first walk from the
        output back through their inputs is done with them, and are named by it (``Conv_3``), as are stored tensors,
        after their first user (``Conv_3.1``); those of nested graphs also by where that is
        (``If_9/then_branch/Conv_3``). Equal nodes of a graph are one, as are equal stored tensors of the model, which
        are in the innermost graph around all their users. What the output does not depend on is dropped, descriptions
        too. ``metadata_props`` are kept, sorted by key.

    Raises:
        MedcnnError: The model has several inputs or outputs, loops, functions or weights in other files.
    """
    _refuse_unsupported(model)
    main = content.known(model.graph)
    image, answer = model.graph.input[0], model.graph.output[0]
    reserved = {main.keys[raw]: RAW} if raw in main.keys else {}
    writer = _Writer(reserved | {main.keys[answer.name]: OUTPUT}, _stored(main))
    graph = writer.graph(main, {content.INPUT_KEY: INPUT, "": ""})
    graph.input.append(_port(image, INPUT, "batch"))
    graph.output.append(_port(answer, OUTPUT, "batch"))
    domains = {node.domain for inner in _graphs(graph) for node in inner.node}
    opsets = sorted((opset.domain, opset.version) for opset in model.opset_import if opset.domain in domains)
    result = helper.make_model(
        graph,
        producer_name=_NAME,
        ir_version=model.ir_version,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in opsets],
    )
    helper.set_model_props(result, dict(sorted((entry.key, entry.value) for entry in model.metadata_props)))
    return result


@dataclass(frozen=True)
class _Writer:
    """Writes graphs under new names.

    Attributes:
        reserved: By key: the names that some tensors have to bear.
        stored: By key: every stored tensor that is used, and the innermost graph around all its users.
        met: By key: the names of stored tensors, given as they are met.
    """

    reserved: Mapping[str, str]
    stored: Mapping[str, tuple[TensorProto, Path]]
    met: dict[str, str] = field(default_factory=dict)

    def graph(self, known: Known, names: MutableMapping[str, str], path: Path = (), prefix: str = "") -> GraphProto:
        """A graph without its ports; ``names``, by key, learns those of its tensors."""
        nodes = []
        for position, step in enumerate(known.steps):
            own = f"{prefix}{step.node.op_type}_{position}"
            inputs = [
                self._input(known.keys[old], f"{own}.{index}", names) for index, old in enumerate(step.node.input)
            ]
            branches = {name: self._branch(step, name, names, path, own) for name in step.branches}
            names.update(self._outputs(step, own))
            outputs = [names[content.output(step.key, index)] for index in range(len(step.node.output))]
            node = helper.make_node(step.node.op_type, inputs, outputs, name=own, domain=step.node.domain, **branches)
            node.attribute.extend(content.plain_attributes(step.node))
            nodes.append(node)
        tensors = sorted((self.met[key], key) for key, (_, home) in self.stored.items() if home == path)
        kept = [content.plain(self.stored[key][0], name) for name, key in tensors]
        return helper.make_graph(nodes, prefix or _NAME, [], [], kept)

    def _input(self, key: str, first_use: str, names: Mapping[str, str]) -> str:
        """The name of a node's input; what no node makes is stored, and named after its first user."""
        return self.met.setdefault(key, first_use) if key in self.stored else names[key]

    def _outputs(self, step: Step, own: str) -> dict[str, str]:
        """The names of a node's outputs, by key; the empty name stands for one that is left out."""
        given = {content.output(step.key, index): name for index, name in enumerate(step.node.output)}
        numbered = enumerate(key for key, name in given.items() if name)
        new = {key: self.reserved.get(key, f"{own}:{index}" if index else own) for index, key in numbered}
        return dict.fromkeys(given, "") | new

    def _branch(self, step: Step, name: str, names: MutableMapping[str, str], path: Path, own: str) -> GraphProto:
        branch = step.branches[name]
        inner: MutableMapping[str, str] = ChainMap({}, names)
        graph = self.graph(branch, inner, (*path, step.key, name), f"{own}/{name}/")
        graph.output.extend(_port(port, inner[branch.keys[port.name]], None) for port in branch.graph.output)
        return graph


def _stored(main: Known) -> dict[str, tuple[TensorProto, Path]]:
    """The stored tensors that are used, by key, and the innermost graph around all their users."""
    tensors = {content.tensor_key(tensor): tensor for graph in _graphs(main.graph) for tensor in graph.initializer}
    homes: dict[str, Path] = {}
    for key, path in main.used():
        if key in tensors:
            homes[key] = _common(homes.get(key, path), path)
    return {key: (tensors[key], home) for key, home in homes.items()}


def _common(one: Path, other: Path) -> Path:
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return tuple(part for part, _ in same)


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """A graph and all that are nested in it."""
    yield graph
    for node in graph.node:
        for part in content.nested(node):
            yield from _graphs(part.g)


def _refuse_unsupported(model: ModelProto) -> None:
    graphs = list(_graphs(model.graph))
    stored = [tensor for graph in graphs for tensor in graph.initializer]
    faults = {
        "several inputs or outputs": len(model.graph.input) != 1 or len(model.graph.output) != 1,
        "loops (Loop or Scan)": any(graph.input for graph in graphs[1:]),
        "functions of its own": bool(model.functions),
        "sparse weights": any(graph.sparse_initializer for graph in graphs),
        "weights in other files": any(map(onnx.external_data_helper.uses_external_data, stored)),
    }
    for fault, found in faults.items():
        if found:
            raise MedcnnError(f"the ONNX model has {fault}; only feed-forward networks can be exported")


def _port(port: ValueInfoProto, name: str, batch: str | None) -> ValueInfoProto:
    kind = port.type.tensor_type
    sizes = [dimension.dim_value or None for dimension in kind.shape.dim]
    return helper.make_tensor_value_info(name, kind.elem_type, [batch, *sizes[1:]])
