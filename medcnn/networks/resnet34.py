"""ResNet-34, exact for weights published for PyTorch."""

from __future__ import annotations

from keras import KerasTensor, initializers, layers

from medcnn.networks.registry import register

EPSILON = 1e-5
# PyTorch's momentum is the share of the new batch, Keras's that of the old value: 0.9 here is 0.1 there.
MOMENTUM = 0.9
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
"""Filters of each stage's blocks, and how many blocks it has."""


@register("resnet34")
def resnet34(x: KerasTensor) -> KerasTensor:
    """ResNet-34 (He et al., CVPR 2016, https://arxiv.org/abs/1512.03385), with 21,284,672 trained parameters.

    The layout is that of torchvision and timm, symmetric padding included, and so are the names of the layers:
    ``layer1.0.conv1`` there is ``layer1_0_conv1`` here.
    """
    x = _convolution(x, "conv1", 64, kernel=7, stride=2)
    x = layers.ReLU(name="relu")(_normalised(x, "bn1"))
    # After a ReLU nothing is below zero, so that padding with zeros changes no maximum.
    x = layers.ZeroPadding2D(1, name="maxpool_pad")(x)
    x = layers.MaxPooling2D(3, 2, name="maxpool")(x)
    for stage, (filters, blocks) in enumerate(STAGES, start=1):
        for index in range(blocks):
            x = _block(x, f"layer{stage}_{index}", filters, stride=2 if stage > 1 and index == 0 else 1)
    return x


def _block(x: KerasTensor, name: str, filters: int, stride: int) -> KerasTensor:
    """A basic block: two convolutions, added to what came in, which a third brings to their shape where it differs."""
    entry = x
    x = _normalised(_convolution(x, f"{name}_conv1", filters, kernel=3, stride=stride), f"{name}_bn1")
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = _normalised(_convolution(x, f"{name}_conv2", filters, kernel=3, stride=1), f"{name}_bn2")
    if stride != 1 or entry.shape[-1] != filters:
        entry = _convolution(entry, f"{name}_downsample_0", filters, kernel=1, stride=stride)
        entry = _normalised(entry, f"{name}_downsample_1")
    return layers.ReLU(name=f"{name}_relu2")(layers.Add(name=f"{name}_add")([x, entry]))


def _convolution(x: KerasTensor, name: str, filters: int, kernel: int, stride: int) -> KerasTensor:
    # "same" pads one side more than the other at a stride of two, PyTorch pads both alike.
    if kernel > 1:
        x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_pad")(x)
    start = initializers.VarianceScaling(2.0, mode="fan_out", distribution="untruncated_normal")
    return layers.Conv2D(filters, kernel, stride, use_bias=False, kernel_initializer=start, name=name)(x)


def _normalised(x: KerasTensor, name: str) -> KerasTensor:
    return layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=name)(x)
