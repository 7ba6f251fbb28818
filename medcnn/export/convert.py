"""Keras models as ONNX models that hold preprocessing and network, and what Keras answers."""

from __future__ import annotations

import gc
import logging
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import onnx
from onnx import numpy_helper

from medcnn.core.arrays import Floats
from medcnn.core.errors import MedcnnError
from medcnn.dataset.part import Part
from medcnn.export import opsets
from medcnn.export.canonical import canonical
from medcnn.inference.sessions import INPUT
from medcnn.networks import encoder
from medcnn.networks.encoder import Encoder
from medcnn.networks.outputs import per_class

# tf2onnx's default, named so that it stays. Up to 17 the same graph comes out, 18 turns GlobalAveragePool into
# ReduceMean, and neither is faster in ONNX Runtime; the older the set, the more programs read it.
OPSET = 15
_BATCH = 8


def converted(model: keras.Model) -> onnx.ModelProto:
    """The canonical ONNX model of a network; the same network gives the same bytes.

    Args:
        model: From ``image``, float32 (batch, H, W, 3), 0..255, to probabilities (batch, classes), or to that of the
            last of two classes (batch, 1).

    Returns:
        A model from ``image`` to raw ``probabilities``, always (batch, classes), for any batch size.

    Raises:
        MedcnnError: The network has a layer that ONNX has no operators for, or see ``canonical``.
    """
    inner = encoder.within(model)
    result = canonical(_around(inner, model) if inner else _exported(_per_class(model)))
    try:
        onnx.checker.check_model(result)
    except onnx.checker.ValidationError as error:
        reason = str(error).splitlines()[0]
        raise MedcnnError(
            f"a layer of this network has no counterpart in ONNX: {reason}; build it from others"
        ) from error
    return result


def answers(model: keras.Model, part: Part) -> Floats:
    """The raw probabilities (N, classes) that a network gives the images of a part."""
    network = _per_class(model)
    return np.concatenate([network.predict_on_batch(batch) for batch in part.batches(_BATCH)]).astype(np.float64)


def _per_class(model: keras.Model) -> keras.Model:
    """The model itself, or, where it ends in one sigmoid unit, with a column for the first class too."""
    if model.output_shape[-1] > 1:
        return model
    image = keras.Input(model.input_shape[1:], name=INPUT)
    return keras.Model(image, per_class(model(image), keras.ops.concatenate))


def _around(inner: Encoder, model: keras.Model) -> onnx.ModelProto:
    """A network that holds an ONNX file: what Keras has before and behind it, and between them the file itself."""
    before, behind = encoder.around(model)
    file = onnx.load_model_from_string(inner.file)
    return opsets.behind(opsets.behind(_exported(before), file), _exported(_per_class(behind)))


def _exported(model: keras.Model) -> onnx.ModelProto:
    signature = [keras.InputSpec(dtype="float32", shape=(None, *model.input_shape[1:]), name=INPUT)]
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder) / "model.onnx"
        model.export(path, format="onnx", input_signature=signature, opset_version=OPSET, verbose=False)
        # tf2onnx leaves many copies of the network behind in cycles: 400 MB for one of 13 MB.
        gc.collect()
        return _with_whole_sizes(_without_idle_reshapes(onnx.load(path)))


def _without_idle_reshapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network without the reshapes that change nothing.

    tf2onnx writes the transpose of a feature map of one pixel as such a reshape, and takes some of them out, not in
    every process the same ones.
    """
    shapes = {
        value.name: [size.dim_value for size in value.type.tensor_type.shape.dim][1:]
        for value in onnx.shape_inference.infer_shapes(model).graph.value_info
    }
    renamed: dict[str, str] = {}
    for node in list(model.graph.node):
        node.input[:] = [renamed.get(name, name) for name in node.input]
        before, after = shapes.get(node.input[0], []) if node.input else [], shapes.get(node.output[0], [])
        # A size that is not known is 0.
        if node.op_type == "Reshape" and before and before == after and all(before):
            renamed[node.output[0]] = node.input[0]
            model.graph.node.remove(node)
    return model


def _with_whole_sizes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same network, resized images having the size that is meant.

    tf2onnx writes the factors of a ``Resize`` as float32, and 29 pixels times 32 / 29 are 31 of them.
    """
    factors = {node.input[2] for node in model.graph.node if node.op_type == "Resize" and len(node.input) == 3}
    for tensor in model.graph.initializer:
        if tensor.name in factors:
            scales = numpy_helper.to_array(tensor)
            larger = np.where(scales == np.round(scales), scales, np.nextafter(scales, np.float32(np.inf)))
            tensor.CopyFrom(numpy_helper.from_array(larger, tensor.name))
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the converter's remarks off the terminal; what it did wrong shows in the checks that follow."""
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            logger.setLevel(level)
