"""Networks rewritten so that ONNX Runtime computes chosen layers with 8-bit integers."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import ModelProto, NodeProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from medcnn.core.arrays import Floats
from medcnn.export.observing import Observed

_DENSE = ("Gemm", "MatMul")
_WITH_WEIGHTS = ("Conv", *_DENSE)
_ACTIVATIONS = ("Relu", "Clip")
_BETWEEN = (
    *_ACTIVATIONS,
    *("Add", "Mul", "Concat", "MaxPool", "AveragePool", "GlobalAveragePool"),
    *("Pad", "Transpose", "Reshape", "Flatten", "Squeeze"),
)
"""Operators that ONNX Runtime has for 8-bit integers too; the others stay float32, as does all that stands before the
first layer or after the last: preprocessing, softmax and temperature."""
_STEPS = 64
"""Weights are -64..64 steps, 7 bits. ONNX Runtime multiplies unsigned activations with signed weights, and processors
without VNNI add two such products in 16 bits, where 2 x 255 x 64 fits and 2 x 255 x 127 would be cut off. So a file
answers everywhere as it did when it was checked. Unsigned weights would be exact too, but are several times slower."""
_SILENT = 3


@dataclass(frozen=True)
class Network:
    """A float32 model, ready to be quantised.

    Attributes:
        model: With batch norm and biases folded into the layers before them, and the shapes of its tensors.
        layers: Its nodes with weights, in order.
    """

    model: ModelProto
    layers: tuple[str, ...]


def network(model: ModelProto) -> Network:
    """Prepare a model of one graph, which is not changed."""
    folded = _with_norms_as_layers(_folded(model))
    stored = {tensor.name for tensor in folded.graph.initializer}
    layers = tuple(node.name for node in folded.graph.node if node.op_type in _WITH_WEIGHTS and node.input[1] in stored)
    return Network(folded, layers)


def layer_name(node: str) -> str:
    """What the layer is called before ONNX Runtime folded others into it."""
    return node.split("/")[0]


def tensors(network: Network) -> list[str]:
    """Every tensor that may be quantised, or that a layer reads."""
    nodes = _computed(network, network.layers)
    readers: dict[str, set[str]] = {}
    for node in network.model.graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.op_type)
    stored = {tensor.name for tensor in network.model.graph.initializer}
    read = [name for node in nodes for name in node.input if name not in stored and name]
    made = [name for node in nodes for name in node.output if not readers[name] <= set(_ACTIVATIONS)]
    return list(dict.fromkeys([*read, *made]))


def in_int8(network: Network, layers: Collection[str], observed: Observed) -> ModelProto:
    """The model with ``layers``, and what stands between them, computed with integers.

    Weights are symmetric with a step for each output channel, activations unsigned with one for each tensor. Nodes
    stay as they are, between QuantizeLinear and DequantizeLinear (QDQ), which ONNX Runtime fuses into integer kernels.
    """
    nodes = _computed(network, layers)
    quantizer = QDQQuantizer(
        _unbiased(network.model, set(layers), observed.means),
        per_channel=True,
        reduce_range=True,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QUInt8,
        tensors_range=_as_data(observed),
        nodes_to_quantize=[node.name for node in nodes],
        nodes_to_exclude=[],
        op_types_to_quantize=[*_WITH_WEIGHTS, *_BETWEEN],
        # Logits, and what the few dense layers hand on, keep all their digits at no cost.
        extra_options={"OpTypesToExcludeOutputQuantization": list(_DENSE)},
    )
    quantizer.quantize_model()
    result: ModelProto = quantizer.model.model
    return result


def _folded(model: ModelProto) -> ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "folded.onnx"
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(path)
        options.log_severity_level = _SILENT
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(path)


def _with_norms_as_layers(model: ModelProto) -> ModelProto:
    """Batch norm behind a sum (ResNetV2) is Mul and Add; a depthwise convolution takes half their time in int8."""
    result = ModelProto()
    result.CopyFrom(model)
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    readers = Counter(name for node in model.graph.node for name in node.input)
    maker = {name: node for node in result.graph.node for name in node.output}
    for add in list(result.graph.node):
        scale = maker.get(add.input[0])
        if scale is None or not _is_norm(scale, add, stored) or readers[add.input[0]] > 1:
            continue
        weights, bias = (stored[node.input[1]].reshape(-1) for node in (scale, add))
        names = [f"{scale.name}/weights", f"{scale.name}/bias"]
        values = zip((weights.reshape(-1, 1, 1, 1), bias), names, strict=True)
        result.graph.initializer.extend(numpy_helper.from_array(value.copy(), name) for value, name in values)
        inputs, outputs = [scale.input[0], *names], list(add.output)
        scale.CopyFrom(helper.make_node("Conv", inputs, outputs, name=scale.name, group=len(bias)))
        result.graph.node.remove(add)
    return result


def _is_norm(scale: NodeProto, add: NodeProto, stored: Mapping[str, Floats]) -> bool:
    """Whether a node and the next are a factor and an offset for each channel of (batch, channels, H, W)."""
    if (scale.op_type, add.op_type) != ("Mul", "Add") or not {scale.input[1], add.input[1]} <= stored.keys():
        return False
    shapes = {stored[node.input[1]].shape[-3:] for node in (scale, add)}
    return len(shapes) == 1 and all(len(shape) == 3 and shape[0] > 1 and shape[1:] == (1, 1) for shape in shapes)


def _computed(network: Network, layers: Collection[str]) -> list[NodeProto]:
    """The nodes to be computed with integers: layers, and what has only such nodes before it and layers after it."""
    nodes = network.model.graph.node
    leading = {name for node in nodes if node.name in network.layers for name in node.input}
    for node in reversed(nodes):
        if leading & set(node.output):
            leading |= set(node.input)
    stored = {tensor.name for tensor in network.model.graph.initializer} | {""}
    made: set[str] = set()
    computed = []
    for node in nodes:
        between = node.op_type in _BETWEEN and bool(leading & set(node.output))
        if node.name in layers or (between and set(node.input) <= made | stored):
            computed.append(node)
            made |= set(node.output)
    return computed


def _unbiased(model: ModelProto, layers: Collection[str], means: Mapping[str, Floats]) -> ModelProto:
    """Move into each layer's bias what rounding its weights would add to its mean output.

    Bias correction (Nagel et al., Data-Free Quantization, ICCV 2019), with means seen on calibration images. Each
    layer gets a bias of its own, as equal ones are stored once.
    """
    result = ModelProto()
    result.CopyFrom(model)
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in result.graph.node:
        if node.name in layers and node.op_type != "MatMul":
            own = f"{node.name}/unbiased"
            bias = numpy_helper.to_array(stored[node.input[2]]) if len(node.input) > 2 else 0
            shifted = bias + _shift(node, numpy_helper.to_array(stored[node.input[1]]), means[node.input[0]])
            result.graph.initializer.append(numpy_helper.from_array(shifted.astype(np.float32), own))
            node.input[:] = [*node.input[:2], own]
    return result


def _shift(node: NodeProto, weights: Floats, means: Floats) -> Floats:
    """The mean output (O,) that rounding the weights takes away, from the mean input (I,)."""
    attributes = {kept.name: kept.i for kept in node.attribute}
    if node.op_type == "Gemm":
        weights = weights if attributes.get("transB") else weights.T
    lost = (weights - _rounded(weights)).reshape(*weights.shape[:2], -1).sum(axis=2)
    groups = attributes.get("group", 1)
    shift: Floats = np.einsum("goi,gi->go", lost.reshape(groups, -1, lost.shape[1]), means.reshape(groups, -1)).ravel()
    return shift


def _rounded(weights: Floats) -> Floats:
    """Weights (O, ...) in float64 as they are after rounding to ``_STEPS`` steps up and down, as ONNX Runtime does."""
    largest = np.abs(weights.astype(np.float64)).reshape(len(weights), -1).max(axis=1)
    step = np.where(largest > 0, largest, 1).reshape(-1, *[1] * (weights.ndim - 1)) / _STEPS
    nearest: Floats = np.round(weights / step) * step
    return nearest


def _as_data(observed: Observed) -> TensorsData:
    ranges = {name: (np.float32(low), np.float32(high)) for name, (low, high) in observed.ranges.items()}
    return TensorsData(CalibrationMethod.MinMax, ranges)
