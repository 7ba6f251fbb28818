"""ONNX models answered by NumPy and TensorFlow, to the same bytes on every processor that they are held to.

ONNX Runtime sums in another order on a processor of another kind, and nothing tells it not to. What enters a file, the
ranges of int8, what it costs, and maps of occlusion, is therefore computed here where bytes are portable; it takes
several times as long.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import GraphProto, ModelProto
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from medcnn.core import processors
from medcnn.core.seeding import THREADS
from medcnn.inference import sessions

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def opened(content: bytes, path: Path, threads: int = THREADS) -> InferenceSession | Exact:
    """A session of ONNX Runtime's for an exported model, or where bytes are portable one that answers alike anywhere.

    Raises:
        MedcnnError: see ``sessions.session``.
    """
    if processors.held_to():
        return Exact(onnx.load_model_from_string(content))
    return sessions.session(content, path, threads)


class Exact:
    """A model that is asked as a session of ONNX Runtime's is."""

    def __init__(self, model: ModelProto) -> None:
        _sort(model.graph)
        self._evaluator = ReferenceEvaluator(model, new_ops=[Conv, MaxPool, OneHot, QuantizeLinear, DequantizeLinear])

    def run(self, outputs: Sequence[str] | None, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """The outputs of those names, or all."""
        return list(self._evaluator.run(list(outputs) if outputs else None, dict(inputs)))


class Conv(OpRun):
    """Convolution by TensorFlow, of (N, C, H, W); the package's own takes a loop over channels."""

    op_domain = ""

    def _run(self, x: np.ndarray, w: np.ndarray, b: np.ndarray | None = None, **attributes: Any) -> tuple[np.ndarray]:
        import tensorflow as tf

        size, strides = w.shape[2:], attributes.get("strides") or (1, 1)
        padding = _padding(x.shape[2:], size, strides, attributes)
        groups = attributes.get("group") or 1
        dilations = attributes.get("dilations") or (1, 1)
        last = x.transpose(0, 2, 3, 1)
        if len(last) == 1:
            # Of one image alone TensorFlow multiplies matrices, in blocks by the size of the processor's caches.
            last = np.repeat(last, 2, axis=0)
        if groups == x.shape[1] and groups > 1 and len(w) == groups:
            kernels = w.transpose(2, 3, 0, 1)
            made = tf.nn.depthwise_conv2d(last, kernels, (1, *strides, 1), padding, dilations=dilations)
        else:
            made = tf.nn.conv2d(last, w.transpose(2, 3, 1, 0), strides, padding, dilations=dilations)
        # A view, so that what goes to the next convolution lies in its order already; `numpy()` would be a copy.
        found = np.asarray(made)[: len(x)]
        return ((found if b is None else found + b).transpose(0, 3, 1, 2),)


class MaxPool(OpRun):
    """The largest of each window."""

    op_domain = ""

    def _run(self, x: np.ndarray, **attributes: Any) -> tuple[np.ndarray]:
        import tensorflow as tf

        size, strides = attributes["kernel_shape"], attributes.get("strides") or (1, 1)
        padding = _padding(x.shape[2:], size, strides, attributes)
        made = tf.nn.max_pool2d(x.transpose(0, 2, 3, 1), size, strides, padding)
        return (np.asarray(made).transpose(0, 3, 1, 2),)


class OneHot(OpRun):
    """The votes of an ensemble; the package's own refuses a depth that is an array of one number."""

    op_domain = ""

    def _run(self, indices: np.ndarray, depth: np.ndarray, values: np.ndarray, **attributes: Any) -> tuple[np.ndarray]:
        axis, classes = attributes.get("axis"), np.arange(int(np.ravel(depth)[0]))
        off, on = values
        found = np.where(indices[..., np.newaxis] % len(classes) == classes, on, off)
        return (np.moveaxis(found, -1, -1 if axis is None else axis),)


class QuantizeLinear(OpRun):
    """np.ndarray to 8-bit integers; the package's own is of later versions of ONNX alone."""

    op_domain = ""

    def _run(
        self, x: np.ndarray, scale: np.ndarray, zero: np.ndarray | None = None, **attributes: Any
    ) -> tuple[np.ndarray]:
        scale, offset = _along(scale, x, attributes), 0 if zero is None else _along(zero, x, attributes)
        kind = np.dtype(np.uint8) if zero is None else zero.dtype
        limits = np.iinfo(kind)
        return (np.clip(np.rint(x / scale) + offset, limits.min, limits.max).astype(kind),)


class DequantizeLinear(OpRun):
    """And back."""

    op_domain = ""

    def _run(
        self, x: np.ndarray, scale: np.ndarray, zero: np.ndarray | None = None, **attributes: Any
    ) -> tuple[np.ndarray]:
        offset = 0 if zero is None else _along(zero, x, attributes).astype(np.int32)
        return ((x.astype(np.int32) - offset).astype(np.float32) * _along(scale, x, attributes),)


def _sort(graph: GraphProto) -> None:
    """Put each node behind those that it reads, in place: quantisation does not, and the evaluator goes by order."""
    known = {"", *(port.name for port in graph.input), *(tensor.name for tensor in graph.initializer)}
    waiting, found = list(graph.node), []
    while waiting:
        later = []
        for node in waiting:
            if known.issuperset(node.input):
                found.append(node)
                known.update(node.output)
            else:
                later.append(node)
        if len(later) == len(waiting):
            raise ValueError(f"nothing makes what {later[0].name} reads")
        waiting = later
    del graph.node[:]
    graph.node.extend(found)


def _along(values: np.ndarray, x: np.ndarray, attributes: Mapping[str, Any]) -> np.ndarray:
    """One number, or one per row of an axis, so that it goes with all of ``x``."""
    if values.size == 1:
        return values.reshape(())
    axis = attributes.get("axis")
    shape = [1] * x.ndim
    shape[1 if axis is None else axis] = -1
    return values.reshape(shape)


def _padding(
    shape: Sequence[int], size: Sequence[int], strides: Sequence[int], attributes: Mapping[str, Any]
) -> list[tuple[int, int]]:
    """Before and after each axis of (N, H, W, C), by ``auto_pad`` or ``pads``."""
    kind = attributes.get("auto_pad") or "NOTSET"
    if kind == "NOTSET":
        pads = attributes.get("pads") or (0, 0, 0, 0)
        sides = [(pads[0], pads[2]), (pads[1], pads[3])]
    elif kind == "VALID":
        sides = [(0, 0), (0, 0)]
    else:
        lacking = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(shape, size, strides, strict=True)]
        sides = [(n // 2, n - n // 2) if kind == "SAME_UPPER" else (n - n // 2, n // 2) for n in lacking]
    return [(0, 0), *sides, (0, 0)]
