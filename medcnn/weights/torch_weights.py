"""Weights published for PyTorch, under the names and with the axes of the Keras layers written here."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import safetensors.numpy

from medcnn.core.errors import MedcnnError
from medcnn.networks.pretrained import Arrays
from medcnn.weights import torch_file

_TOP = {
    "_conv_stem": "stem_conv",
    "_bn0": "stem_bn",
    "_conv_head": "head_conv",
    "_bn1": "head_bn",
    "_fc": "classifier",
}
_BLOCK = {
    "_expand_conv": "expand_conv",
    "_bn0": "expand_bn",
    "_depthwise_conv": "depthwise_conv",
    "_bn1": "depthwise_bn",
    "_project_conv": "project_conv",
    "_bn2": "project_bn",
}
_RESNET = re.compile(r"conv1|bn1|fc|layer[1-4]_\d+_(conv[12]|bn[12]|downsample_[01])")
_NORMALISATION = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_LINEAR = {"weight": "kernel", "bias": "bias"}
_COUNTER = "num_batches_tracked"


def lite(data: bytes, source: str) -> Arrays:
    """An EfficientNet-Lite as EfficientNet-PyTorch publishes it, in the format of ``torch.save``.

    Args:
        data: the file's bytes.
        source: what to call the file in an error.

    Raises:
        MedcnnError: the file is broken, or holds another network.
    """
    return _renamed(torch_file.read(data, source), _lite_layer, source)


def resnet34(data: bytes, source: str) -> Arrays:
    """ResNet-34 as torchvision and timm name it, in the safetensors format; else as ``lite``."""
    try:
        tensors = safetensors.numpy.load(data)
    # A broken file raises an error of the format's own, a strange one KeyError or ValueError.
    except Exception as error:
        raise MedcnnError(f"{source}: not a safetensors file, or a broken one ({type(error).__name__})") from error
    return _renamed(tensors, _resnet34_layer, source)


READERS: dict[str, Callable[[bytes, str], Arrays]] = {
    "lite0": lite,
    "lite1": lite,
    "lite2": lite,
    "resnet34": resnet34,
}
"""What reads the published file of a backbone."""


def _lite_layer(name: str) -> str | None:
    *block, part = name.split(".")
    names = _BLOCK if block else _TOP
    return f"block{block[-1]}_{names[part]}" if block and part in names else names.get(part)


def _resnet34_layer(name: str) -> str | None:
    layer = name.replace(".", "_")
    return layer if _RESNET.fullmatch(layer) else None


def _renamed(tensors: Arrays, layer_of: Callable[[str], str | None], source: str) -> Arrays:
    arrays = {}
    for name, array in tensors.items():
        path, _, variable = name.rpartition(".")
        if variable == _COUNTER:
            continue
        layer = layer_of(path)
        kinds = _NORMALISATION if layer and _normalises(layer) else _LINEAR
        if layer is None or variable not in kinds:
            raise MedcnnError(f"{source}: the weights of another network, it has a tensor '{name}'")
        arrays[f"{layer}/{kinds[variable]}"] = np.ascontiguousarray(array.transpose(_axes(layer, array.ndim)))
    return arrays


def _normalises(layer: str) -> bool:
    return re.search(r"(^|_)bn\d?$|_downsample_1$", layer) is not None


def _axes(layer: str, dimensions: int) -> tuple[int, ...]:
    """The order in which Keras has PyTorch's axes, which are (out, in) or (out, in, height, width)."""
    if dimensions == 4:
        # A depthwise kernel is (channels, 1, height, width) there, (height, width, channels, 1) here.
        return (2, 3, 0, 1) if layer.endswith("depthwise_conv") else (2, 3, 1, 0)
    return tuple(reversed(range(dimensions)))
