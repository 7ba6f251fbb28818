"""EfficientNet-Lite0 to 2, exact for the published ImageNet weights."""

from __future__ import annotations

import math
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
    """EfficientNet-Lite0 up to its 1280 feature maps; it was trained on images of 224 pixels.

    EfficientNet-B0 (Tan and Le 2019, https://arxiv.org/abs/1905.11946) without squeeze-and-excitation and with
    ReLU6, as in https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite. Layer names are
    those that ``medcnn.weights.storing`` gives to the published tensors.
    """
    return _lite(x, width=1.0, depth=1.0)


@register("lite1")
def lite1(x: KerasTensor) -> KerasTensor:
    """EfficientNet-Lite1: deeper; it was trained on images of 240 pixels."""
    return _lite(x, width=1.0, depth=1.1)


@register("lite2")
def lite2(x: KerasTensor) -> KerasTensor:
    """EfficientNet-Lite2: deeper and wider; it was trained on images of 260 pixels."""
    return _lite(x, width=1.1, depth=1.2)


def _lite(x: KerasTensor, width: float, depth: float) -> KerasTensor:
    """All but the first and the last stage are made deeper; stem and head keep their width."""
    x = _convolution(x, "stem", 32, kernel=3, stride=2)
    index = 0
    inner = [stage._replace(repeats=math.ceil(depth * stage.repeats)) for stage in STAGES[1:-1]]
    for stage in (STAGES[0], *inner, STAGES[-1]):
        stage = stage._replace(filters=_rounded(width * stage.filters))
        for repeat in range(stage.repeats):
            x = _block(x, f"block{index}", stage, stride=stage.stride if repeat == 0 else 1)
            index += 1
    return _convolution(x, "head", 1280, kernel=1, stride=1)


def _rounded(filters: float) -> int:
    """The nearest multiple of 8; here none is so much smaller that the published rule would take the next one."""
    return int(filters + 4) // 8 * 8


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
