"""ONNX models made of others: the temperature behind a network, and networks joined into an ensemble or a cascade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, shape_inference
from onnx.numpy_helper import from_array

from medcnn.ensemble.rules import ByFinding, Cascade, Fitted, Rule, Vote, WeightedMean
from medcnn.export import content, opsets
from medcnn.export.canonical import RAW, canonical
from medcnn.export.content import Known, Step
from medcnn.inference.sessions import INPUT
from medcnn.measures.findings import PRESENT
from medcnn.measures.metrics import SMALLEST


def calibrated(network: ModelProto, temperature: float, multi_label: bool = False) -> ModelProto:
    """A network of raw probabilities, followed by what ``calibration.scaled`` does to them."""
    graph = _Builder()
    raw = graph.network(network, "", network.graph.output[0].name)
    return _model(graph, _scaled(graph, raw, temperature, multi_label), raw, [network])


def combined(rule: Rule | Cascade, members: Sequence[ModelProto], temperature: float) -> ModelProto:
    """An ensemble or a cascade of exported networks; what several of them have in common is computed once.

    Args:
        rule: How the members' raw probabilities are joined.
        members: Their exported models, in the order of the rule.
        temperature: Of the combination; those of the members do not count.
    """
    graph, members = _Builder(), opsets.aligned(members)
    if isinstance(rule, Cascade):
        raw = _cascade(graph, rule, *members)
    else:
        answers = [graph.network(member, f"{index}/", RAW) for index, member in enumerate(members)]
        if isinstance(rule, ByFinding):
            raw = _by_finding(graph, rule.decide, answers, _classes(members[0]))
        else:
            raw = _joined(graph, rule, answers)
    return _model(graph, _scaled(graph, raw, temperature, isinstance(rule, ByFinding)), raw, members)


def uncalibrated(model: ModelProto) -> ModelProto:
    """An exported network without its temperature, from ``image`` to raw ``probabilities``."""
    cut = ModelProto()
    cut.CopyFrom(model)
    cut.graph.output[0].name = RAW
    return canonical(cut)


@dataclass
class _Builder:
    """Nodes and stored tensors, with names of their own."""

    nodes: list[NodeProto] = field(default_factory=list)
    tensors: list[TensorProto] = field(default_factory=list)
    prefix: str = "new/"

    def add(self, operator: str, *inputs: str | float | np.ndarray, **attributes: Any) -> str:
        """Append a node of one output; arrays, and numbers as float32, are stored. Returns the output's name."""
        names = [value if isinstance(value, str) else self._stored(value) for value in inputs]
        name = f"{self.prefix}{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, names, [name], **attributes))
        return name

    def network(self, model: ModelProto, prefix: str, wanted: str) -> str:
        """Append a whole network under prefixed names, its image aside; returns the name of a ``wanted`` tensor."""
        self.nodes += [_renamed(node, prefix, {INPUT: INPUT}) for node in model.graph.node]
        self.tensors += [content.plain(tensor, prefix + tensor.name) for tensor in model.graph.initializer]
        return prefix + wanted

    def _stored(self, value: float | np.ndarray) -> str:
        name = f"{self.prefix}stored/{len(self.tensors)}"
        array = value if isinstance(value, np.ndarray) else np.array(value, np.float32)
        self.tensors.append(from_array(array, name))
        return name


def _renamed(node: NodeProto, prefix: str, given: Mapping[str, str]) -> NodeProto:
    """A copy of a node with prefixed names, but for those that are given, and for inputs that are left out."""
    result = NodeProto()
    result.CopyFrom(node)
    for side in (result.input, result.output):
        side[:] = [given.get(name, prefix + name) if name else "" for name in side]
    return result


def _model(graph: _Builder, answer: str, raw: str, members: Sequence[ModelProto]) -> ModelProto:
    """The canonical model of a graph with raw probabilities and, scaled by the temperature, those that it answers."""
    whole = helper.make_graph(
        graph.nodes,
        "composed",
        members[0].graph.input,
        [helper.make_tensor_value_info(answer, TensorProto.FLOAT, ["batch", _classes(members[0])])],
        graph.tensors,
    )
    versions = {(opset.domain, opset.version) for member in members for opset in member.opset_import}
    imports = [helper.make_opsetid(domain, version) for domain, version in versions]
    return canonical(helper.make_model(whole, opset_imports=imports, ir_version=members[0].ir_version), raw)


def _classes(model: ModelProto) -> int:
    classes: int = model.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    return classes


def _scaled(graph: _Builder, probabilities: str, temperature: float, multi_label: bool = False) -> str:
    """``calibration.scaled``."""
    if multi_label:
        sides = (probabilities, graph.add("Sub", 1.0, probabilities))
        present, absent = (graph.add("Log", graph.add("Clip", side, SMALLEST)) for side in sides)
        return graph.add("Sigmoid", graph.add("Div", graph.add("Sub", present, absent), temperature))
    logits = graph.add("Log", graph.add("Clip", probabilities, SMALLEST))
    return graph.add("Softmax", graph.add("Div", logits, temperature), axis=1)


def _by_finding(graph: _Builder, decide: Fitted, members: Sequence[str], findings: int) -> str:
    """``ByFinding.combine``: probabilities (N, K) are taken apart to (N * K, 2), joined, and put together again."""

    def apart(present: str) -> str:
        both = [graph.add("Unsqueeze", side, np.array([2])) for side in (graph.add("Sub", 1.0, present), present)]
        return graph.add("Reshape", graph.add("Concat", *both, axis=2), np.array([-1, 2]))

    decisions = _joined(graph, decide, [apart(member) for member in members])
    return graph.add("Reshape", graph.add("Gather", decisions, np.array(PRESENT), axis=1), np.array([-1, findings]))


def _joined(graph: _Builder, rule: Fitted, members: Sequence[str]) -> str:
    """The raw probabilities of an ensemble, from those of its members."""
    if isinstance(rule, Vote):
        return _vote(graph, members)
    if isinstance(rule, WeightedMean):
        return graph.add("Sum", *(graph.add("Mul", *pair) for pair in zip(members, rule.shares, strict=True)))
    features = graph.add("Mean", *members) if rule.join == "mean" else graph.add("Concat", *members, axis=1)
    kernel, bias = (np.array(part, np.float32) for part in (rule.kernel, rule.bias))
    return graph.add("Softmax", graph.add("Add", graph.add("MatMul", features, kernel), bias), axis=1)


def _vote(graph: _Builder, members: Sequence[str]) -> str:
    """``Vote.combine``."""
    classes = graph.add("Shape", members[0], start=1)
    on_off = np.array([0, 1], np.float32)
    choices = [graph.add("ArgMax", member, axis=1, keepdims=0) for member in members]
    ballots = graph.add("Sum", *(graph.add("OneHot", choice, classes, on_off) for choice in choices))
    likely = graph.add("Clip", graph.add("Mean", *members), SMALLEST)
    total = graph.add("ReduceSum", likely, np.array([1]))
    votes = graph.add("Add", ballots, graph.add("Div", likely, total))
    return graph.add("Div", votes, len(members) + 1)


def _cascade(graph: _Builder, rule: Cascade, first: ModelProto, second: ModelProto) -> str:
    """``Cascade.combine``, the second network run on what the first leaves, if there is any."""
    answers = _scaled(graph, graph.network(first, "first/", RAW), rule.temperature)
    confidence = graph.add("ReduceMax", answers, axes=[1], keepdims=0)
    unsure = graph.add("Not", graph.add("Greater", confidence, rule.threshold))
    rest = graph.add("Squeeze", graph.add("NonZero", unsure), np.array([0]))
    done = graph.add("Equal", graph.add("Size", rest), np.array(0))
    return graph.add(
        "If", done, then_branch=_unchanged(answers, second), else_branch=_completed(answers, rest, first, second)
    )


def _unchanged(answers: str, model: ModelProto) -> GraphProto:
    branch = _Builder(prefix="then/")
    return _branch(branch, branch.add("Identity", answers), model)


def _completed(answers: str, rest: str, first: ModelProto, second: ModelProto) -> GraphProto:
    """The first network's answers, the remaining rows of them replaced by the second's.

    What the second has in common with the first is there already, for all rows, and is taken from there.
    """
    branch = _Builder(prefix="else/")
    theirs = _known(second)
    shared = _by_row(first)
    steps, wanted = _missing(theirs, shared)
    names = {name: branch.add("Gather", shared[key], rest, axis=0) for name, key in wanted.items()}
    branch.nodes += [_renamed(step.node, "second/", names) for step in steps]
    branch.tensors += [content.plain(tensor, f"second/{tensor.name}") for tensor in second.graph.initializer]
    rows = branch.add("Unsqueeze", rest, np.array([1]))
    return _branch(branch, branch.add("ScatterND", answers, rows, names.get(RAW, f"second/{RAW}")), second)


def _branch(branch: _Builder, answer: str, model: ModelProto) -> GraphProto:
    port = helper.make_tensor_value_info(answer, TensorProto.FLOAT, [None, _classes(model)])
    return helper.make_graph(branch.nodes, "branch", [], [port], branch.tensors)


def _known(model: ModelProto) -> Known:
    """A network up to its raw probabilities."""
    cut = GraphProto()
    cut.CopyFrom(model.graph)
    cut.output[0].name = RAW
    return content.known(cut)


def _by_row(model: ModelProto) -> dict[str, str]:
    """The tensors of the first network that have one row per image: their names in the cascade, by key."""
    known = _known(model)
    inferred = shape_inference.infer_shapes(model).graph.value_info
    shaped = {port.name: port.type.tensor_type.shape.dim for port in inferred}
    by_row = {name for name, sizes in shaped.items() if sizes and sizes[0].dim_param == "batch"}
    made = {known.keys[name]: f"first/{name}" for step in known.steps for name in step.node.output if name in by_row}
    return made | {content.INPUT_KEY: INPUT}


def _missing(network: Known, shared: Mapping[str, str]) -> tuple[list[Step], dict[str, str]]:
    """The nodes of a network that remain to be run, and the shared tensors that they take: keys by name."""
    wanted = {RAW: network.keys[RAW]}
    steps = []
    for step in reversed(network.steps):
        if any(name in wanted and wanted[name] not in shared for name in step.node.output):
            steps.append(step)
            wanted |= {name: network.keys[name] for name in step.node.input}
    return steps[::-1], {name: key for name, key in wanted.items() if key in shared}
