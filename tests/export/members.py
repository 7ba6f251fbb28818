"""Exported networks made by hand: an ONNX model of a few nodes, with a backbone that several may share."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from medcnn.export.canonical import canonical
from medcnn.export.compose import calibrated

SIZE, CLASSES, FEATURES = 8, 3, 16


def images(count: int) -> np.ndarray:
    """Images float32 (count, SIZE, SIZE, 3), 0..255, unlike each other."""
    rng = np.random.default_rng(1)
    brightness = rng.uniform(0, 255, (max(count, 1), 1, 1, 3))
    return (brightness * rng.uniform(0, 1, (max(count, 1), SIZE, SIZE, 3))).astype(np.float32)[:count]


def raw(head: int, backbone: int = 0, opset: int = 15, **more: onnx.NodeProto) -> onnx.ModelProto:
    """A network whose backbone and head are drawn from two seeds; ``last`` may replace its last node."""
    width = np.random.default_rng(backbone).normal(0, 1, (3, FEATURES)).astype(np.float32) / 64
    kernel = np.random.default_rng(100 + head).normal(0, 1, (FEATURES, CLASSES)).astype(np.float32)
    nodes = [
        helper.make_node("Transpose", ["image"], ["channels_first"], perm=[0, 3, 1, 2]),
        helper.make_node("GlobalAveragePool", ["channels_first"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["vector"]),
        helper.make_node("MatMul", ["vector", "width"], ["wide"]),
        helper.make_node("Relu", ["wide"], ["features"]),
        helper.make_node("MatMul", ["features", "kernel"], ["logits"]),
        more.get("last", helper.make_node("Softmax", ["logits"], ["answer"], axis=1)),
    ]
    weights = [numpy_helper.from_array(width, "width"), numpy_helper.from_array(kernel, "kernel")]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", SIZE, SIZE, 3])
    answer = helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["batch", CLASSES])
    graph = helper.make_graph(nodes, "by_hand", [image], [answer], weights)
    imports = [helper.make_opsetid("", opset)]
    return canonical(helper.make_model(graph, opset_imports=imports, ir_version=8))


def member(head: int, backbone: int = 0, temperature: float = 1.0, opset: int = 15) -> onnx.ModelProto:
    """The same network as it is exported."""
    return calibrated(raw(head, backbone, opset), temperature)
