"""Frozen batch normalisation folded into the convolutions before it, which trains a network in less time.

Batch normalisation whose statistics are fixed multiplies and shifts each channel, on maps that are far larger than the
kernels that could be multiplied instead. What is learnt is the kernel as it was, so that a step is the same but for
rounding.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import layers, ops


class Folded(layers.Layer):
    """A convolution and the batch normalisation behind it, of which both variables are used and none is copied."""

    def __init__(self, convolution: Any, norm: Any) -> None:
        super().__init__(name=norm.name, dtype=convolution.dtype_policy)
        self._convolution = convolution
        self._norm = norm

    def call(self, x: Any) -> Any:
        """Maps (batch, H, W, C) of what the two layers make of ``x`` one after the other."""
        convolution, norm = self._convolution, self._norm
        # By a root, as the reciprocal's instruction rounds differently from CPU to CPU.
        scale = norm.gamma / ops.sqrt(norm.moving_variance + norm.epsilon)
        shift = norm.beta - norm.moving_mean * scale
        if isinstance(convolution, layers.DepthwiseConv2D):
            kernel = convolution.kernel * ops.reshape(scale, convolution.kernel.shape[2:])
            strides, dilation = convolution.strides, convolution.dilation_rate
            maps = ops.depthwise_conv(x, kernel, strides, convolution.padding, dilation_rate=dilation)
        elif convolution.kernel_size == convolution.strides == (1, 1) and convolution.groups == 1:
            # A product of matrices, whose gradients take less time.
            maps = ops.tensordot(x, (convolution.kernel * scale)[0, 0], 1)
        else:
            maps = convolution.convolution_op(x, convolution.kernel * scale)
        return tf.nn.bias_add(maps, shift)


def folded(network: keras.Model) -> keras.Model:
    """The same function of an image in training, with the network's own variables.

    Args:
        network: image to probabilities. Convolutions that have a bias or an activation, and those that compute in
            bfloat16, stay as they are, and so does batch normalisation that learns.
    """
    convolved: dict[int, tuple[Any, Any, Any]] = {}

    def called(layer: Any, *args: Any, **kwargs: Any) -> Any:
        if id(args[0]) in convolved and isinstance(layer, layers.BatchNormalization) and not layer.trainable:
            _, convolution, entry = convolved[id(args[0])]
            return Folded(convolution, layer)(entry)
        found = layer(*args, **kwargs)
        if _foldable(layer):
            # With the tensor itself, lest another takes its id.
            convolved[id(found)] = found, layer, args[0]
        return found

    return keras.models.clone_model(network, clone_function=lambda layer: layer, call_function=called, recursive=True)


def _foldable(layer: Any) -> bool:
    return (
        type(layer) in (layers.Conv2D, layers.DepthwiseConv2D)
        and not layer.use_bias
        and layer.activation is keras.activations.linear
        and layer.compute_dtype == "float32"
    )
