"""What networks want of pixels: the named ways of preprocessing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class Preprocessing:
    """From pixels of 0..255 to what a network was trained on: ``pixel * scale + offset`` per channel.

    Attributes:
        scale: one factor per channel.
        offset: what is added afterwards, one number per channel.
        bgr: whether the channels are turned from RGB to BGR first.
    """

    scale: Channels
    offset: Channels
    bgr: bool = False


def _even(scale: float, offset: float) -> Preprocessing:
    return Preprocessing((scale,) * 3, (offset,) * 3)


def standardising(mean: Sequence[float], deviation: Sequence[float]) -> Preprocessing:
    """What gives channels of the given mean and deviation, of pixels of 0..1, mean 0 and deviation 1."""
    scale, offset = zip(*((1 / (255 * d), -m / d) for m, d in zip(mean, deviation, strict=True)), strict=True)
    return Preprocessing(scale, offset)


ADAPTED = "adapted"
"""Mean 0 and deviation 1 per channel over the training images of the study."""

PREPROCESSING = {
    "none": _even(1.0, 0.0),
    "unit": _even(1 / 255, 0.0),
    "tf": _even(1 / 127.5, -1.0),
    "symmetric": _even(1 / 128, -1.0),
    "lite": _even(1 / 128, -127 / 128),
    # Grey mean and deviation of ImageNet, the means over its channels, become 0 and 1.
    "centred": _even(1 / (255 * 0.226), -0.449 / 0.226),
    "torch": standardising(mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225)),
    "caffe": Preprocessing((1.0, 1.0, 1.0), (-103.939, -116.779, -123.68), bgr=True),
}
"""``caffe``, ``tf`` and ``torch`` are the modes of ``keras.applications.imagenet_utils.preprocess_input``."""
