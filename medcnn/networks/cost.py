"""What a forward pass costs, in operations: a measure that does not depend on the machine."""

from __future__ import annotations

import math

import keras

from medcnn.networks.averaging import VIEWS
from medcnn.networks.encoder import Encoder


def macs(model: keras.Model) -> int:
    """Multiply-accumulate operations of one image's forward pass.

    Convolutions and dense layers count, each number of a kernel once per position that it is applied to. Biases,
    normalisation, activations and pooling are left out, as in the figures that papers give. Each view of an image that
    is averaged over counts.
    """
    views = next((layer.output.shape[1] for layer in model.layers if layer.name == VIEWS), 1)
    return views * sum(macs(layer) if isinstance(layer, keras.Model) else _of(layer) for layer in model.layers)


def parameters(model: keras.Model, trainable: bool = False) -> int:
    """How many numbers a model holds, or those of them that are trained; of an encoder those in its file."""
    encoders = {id(layer.content): layer.parameters for layer in model._flatten_layers() if isinstance(layer, Encoder)}
    weights = model.trainable_weights if trainable else model.weights
    return sum(encoders.get(id(weight), math.prod(weight.shape)) for weight in weights)


def _of(layer: keras.Layer) -> int:
    if isinstance(layer, Encoder):
        return layer.macs
    kernels = [math.prod(weight.shape) for weight in layer.weights if weight.name.endswith("kernel")]
    return sum(kernels) * math.prod(layer.output.shape[1:-1]) if kernels else 0
