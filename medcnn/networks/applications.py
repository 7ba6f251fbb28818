"""Networks of ``keras.applications``: without their tops, and without preprocessing of their own."""

from __future__ import annotations

import inspect
import math
from typing import Any

import keras
from keras import KerasTensor, layers, ops

from medcnn.core.errors import MedcnnError
from medcnn.networks.registry import Body


def body(name: str) -> Body:
    """The layers of ``keras.applications.<name>``, up to its feature maps.

    Raises:
        MedcnnError: Keras has no such network.
    """
    constructor = getattr(keras.applications, name, None)
    if constructor is None:
        raise MedcnnError(f"unknown backbone '{name}': keras.applications has no such network")
    # EfficientNetV2 and ConvNeXt would scale their pixels again.
    built_in = "include_preprocessing" in inspect.signature(constructor).parameters
    options = {"include_preprocessing": False} if built_in else {}

    def maps(pixels: KerasTensor) -> KerasTensor:
        return convertible(constructor(include_top=False, weights=None, input_tensor=pixels, **options)).output

    return maps


def convertible(network: keras.Model) -> keras.Model:
    """The same network, built from layers that ONNX has operators for; the network itself if all of its layers are."""
    if not any(_filters_each_channel(layer) or _is_gelu(layer) for layer in network.layers):
        return network
    return keras.models.clone_model(network, network.input, clone_function=_copy, call_function=_call)


def _copy(layer: keras.Layer) -> keras.Layer:
    """The same layer, but a convolution that filters each channel by itself becomes a ``DepthwiseConv2D``.

    Keras runs a ``Conv2D`` in groups through a compiled function, which does not convert to ONNX.
    """
    if not _filters_each_channel(layer):
        return type(layer).from_config(layer.get_config())
    return layers.DepthwiseConv2D(
        layer.kernel_size, layer.strides, layer.padding, use_bias=layer.use_bias, name=layer.name
    )


def _call(layer: keras.Layer, x: Any, *args: Any, **kwargs: Any) -> Any:
    """The layer's output; GELU is computed by the error function, as ONNX lacks the complement that TensorFlow uses."""
    if _is_gelu(layer):
        return x * (ops.erf(x * math.sqrt(0.5)) + 1) * 0.5
    return layer(x, *args, **kwargs)


def _filters_each_channel(layer: keras.Layer) -> bool:
    return isinstance(layer, layers.Conv2D) and 1 < layer.groups == layer.filters


def _is_gelu(layer: keras.Layer) -> bool:
    return isinstance(layer, layers.Activation) and layer.activation is keras.activations.gelu
