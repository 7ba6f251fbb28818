"""EfficientNet-Lite0, exact for the published ImageNet weights."""

from __future__ import annotations

from typing import NamedTuple

from keras import KerasTensor, layers

from medcnn.networks.registry import register

EPSILON = 1e-3


class Stage(NamedTuple):
    """A run of equal blocks; the stride is the first one's."""

    kernel: int
    stride: int
    expansion: int
    filters: int
    repeats: int


STAGES = (
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)


@register("lite0")
def lite0(x: KerasTensor) -> KerasTensor:
    """EfficientNet-Lite0 up to its 1280 feature maps.

    EfficientNet-B0 (Tan and Le 2019, https://arxiv.org/abs/1905.11946) without squeeze-and-excitation and with
    ReLU6, as in https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite. Layer names are
    those that ``medcnn.weights.storing`` gives to the published tensors.
    """
    x = _convolution(x, "stem", 32, kernel=3, stride=2)
    index = 0
    for stage in STAGES:
        for repeat in range(stage.repeats):
            x = _block(x, f"block{index}", stage, stride=stage.stride if repeat == 0 else 1)
            index += 1
    return _convolution(x, "head", 1280, kernel=1, stride=1)


def _block(x: KerasTensor, name: str, stage: Stage, stride: int) -> KerasTensor:
    """An inverted residual block: expand, filter each channel, project; added to its input where shapes agree."""
    entry = x
    if stage.expansion != 1:
        x = _convolution(x, f"{name}_expand", stage.expansion * x.shape[-1], kernel=1, stride=1)
    x = layers.DepthwiseConv2D(stage.kernel, stride, "same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = _normalised(x, f"{name}_depthwise")
    x = layers.Activation("relu6", name=f"{name}_depthwise_relu")(x)
    x = layers.Conv2D(stage.filters, 1, use_bias=False, name=f"{name}_project_conv")(x)
    x = _normalised(x, f"{name}_project")
    return layers.Add(name=f"{name}_add")([entry, x]) if entry.shape == x.shape else x


def _convolution(x: KerasTensor, name: str, filters: int, kernel: int, stride: int) -> KerasTensor:
    x = layers.Conv2D(filters, kernel, stride, "same", use_bias=False, name=f"{name}_conv")(x)
    x = _normalised(x, name)
    return layers.Activation("relu6", name=f"{name}_relu")(x)


def _normalised(x: KerasTensor, name: str) -> KerasTensor:
    return layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_bn")(x)
