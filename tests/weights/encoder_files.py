"""Small encoders as somebody may have exported them, made here by ``onnx.helper``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FEATURES = 12


def encoder(
    path: Path,
    answer: str = "vector",
    size: int | str = 16,
    batch: int | str = "batch",
    channels_first: bool = True,
    opset: int = 17,
    second_output: bool = False,
    domain: str = "",
) -> Path:
    """A convolution, GELU's shape of a curve, and a pooled ``vector``, ``tokens`` or ``maps``; returns the path."""
    kernel = np.random.default_rng(0).normal(size=(FEATURES, 3, 4, 4)).astype(np.float32) / 4
    nodes = [] if channels_first else [helper.make_node("Transpose", ["x"], ["first"], perm=[0, 3, 1, 2])]
    start = "x" if channels_first else "first"
    nodes += [
        helper.make_node("Conv", [start, "kernel"], ["wave"], strides=[4, 4], kernel_shape=[4, 4]),
        helper.make_node("Sigmoid", ["wave"], ["gate"], domain=domain),
        helper.make_node("Mul", ["wave", "gate"], ["grown"]),
    ]
    order = [0, 1, 2, 3] if channels_first else [0, 2, 3, 1]
    ends: dict[str, list[Any]] = {
        "maps": [helper.make_node("Transpose", ["grown"], ["y"], perm=order)],
        "vector": [
            helper.make_node("GlobalAveragePool", ["grown"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["y"]),
        ],
        "tokens": [
            helper.make_node("Reshape", ["grown", "rows"], ["flat"]),
            helper.make_node("Transpose", ["flat"], ["y"], perm=[0, 2, 1]),
        ],
    }
    ranks = {"maps": 4, "vector": 2, "tokens": 3}
    sides = [3, size, size] if channels_first else [size, size, 3]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [batch, *[None] * (ranks[answer] - 1)])]
    if second_output:
        outputs.append(helper.make_tensor_value_info("gate", TensorProto.FLOAT, [batch, None, None, None]))
    stored = [
        numpy_helper.from_array(kernel, "kernel"),
        numpy_helper.from_array(np.array([batch if batch == 1 else 0, FEATURES, -1]), "rows"),
    ]
    image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *sides])
    graph = helper.make_graph([*nodes, *ends[answer]], "g", [image], outputs, stored)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9), path)
    return path
