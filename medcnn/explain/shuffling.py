"""Networks whose weights are shuffled: a map that stays the same is of the image, not of what was learnt.

The sanity check of Adebayo et al., NeurIPS 2018, https://arxiv.org/abs/1810.03292. Shuffled weights keep their
distribution, so that what the network computes stays within its usual range.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import numpy_helper

if TYPE_CHECKING:
    import keras


def shuffled_onnx(content: bytes, rng: np.random.Generator) -> bytes:
    """An ONNX file with the values of every kernel shuffled: tensors of floats with two axes or more."""
    model = onnx.load_model_from_string(content)
    for tensor in _by_name(model.graph.initializer):
        if len(tensor.dims) > 1 and tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.CopyFrom(numpy_helper.from_array(_shuffled(numpy_helper.to_array(tensor), rng), tensor.name))
    return model.SerializeToString()


def shuffle(network: keras.Model, rng: np.random.Generator) -> None:
    """The same of a Keras network, in place."""
    for weight in network.weights:
        if len(weight.shape) > 1:
            weight.assign(_shuffled(np.asarray(weight), rng))


def _shuffled(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(values.ravel()).reshape(values.shape)


def _by_name(tensors: Iterable[onnx.TensorProto]) -> list[onnx.TensorProto]:
    return sorted(tensors, key=lambda tensor: tensor.name)
