"""What a model's answer costs, in operations; a measure that no machine changes."""

from __future__ import annotations

import math

import keras


def macs(model: keras.Model) -> int:
    """Multiply-accumulates of one image's way through ``model``.

    Counted are convolutions and dense layers, each kernel number once for every place that it is applied to; biases,
    normalisation, activations and pooling are left out, as in the figures that papers give.
    """
    return sum(macs(layer) if isinstance(layer, keras.Model) else _of(layer) for layer in model.layers)


def _of(layer: keras.Layer) -> int:
    kernels = [math.prod(weight.shape) for weight in layer.weights if weight.name.endswith("kernel")]
    return sum(kernels) * math.prod(layer.output.shape[1:-1]) if kernels else 0
