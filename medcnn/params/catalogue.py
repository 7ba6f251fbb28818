"""What is known of every backbone without loading Keras: its preprocessing and the smallest image that it takes."""

from __future__ import annotations

from dataclasses import dataclass

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class Preprocessing:
    """From pixels of 0..255 to what a network was trained on: ``pixel * scale + offset`` per channel.

    Attributes:
        scale: a factor a channel.
        offset: what is added afterwards, a channel.
        bgr: whether the channels are turned from RGB to BGR first.
    """

    scale: Channels
    offset: Channels
    bgr: bool = False


@dataclass(frozen=True)
class Backbone:
    """A network up to its feature maps.

    Attributes:
        preprocessing: a name in ``PREPROCESSING``.
        smallest: the smallest image side, in pixels, that its layers can work on.
    """

    preprocessing: str
    smallest: int


def _even(scale: float, offset: float) -> Preprocessing:
    return Preprocessing((scale,) * 3, (offset,) * 3)


_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)

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
    "torch": Preprocessing(
        tuple(1 / (255 * deviation) for deviation in _DEVIATION),  # type: ignore[arg-type]
        tuple(-mean / deviation for mean, deviation in zip(_MEAN, _DEVIATION, strict=True)),  # type: ignore[arg-type]
    ),
    "caffe": Preprocessing((1.0, 1.0, 1.0), (-103.939, -116.779, -123.68), bgr=True),
}
"""``caffe``, ``tf`` and ``torch`` are the modes of ``keras.applications.imagenet_utils.preprocess_input``."""

OWN = {
    "simple": Backbone("unit", 16),
    "chest_cnn": Backbone("unit", 22),
    "deep": Backbone("unit", 16),
    "resnet34": Backbone("torch", 32),
    "lite0": Backbone("lite", 32),
    "tiny": Backbone("unit", 3),
    "relay": Backbone("none", 1),
}
"""Networks of ``medcnn.networks``; each registers its layers under its name here."""

KERAS = {
    "VGG16": Backbone("caffe", 32),
    "VGG19": Backbone("caffe", 32),
    "ResNet50": Backbone("caffe", 32),
    "ResNet101": Backbone("caffe", 32),
    "ResNet152": Backbone("caffe", 32),
    "ResNet50V2": Backbone("tf", 32),
    "ResNet101V2": Backbone("tf", 32),
    "ResNet152V2": Backbone("tf", 32),
    "InceptionV3": Backbone("tf", 75),
    "Xception": Backbone("tf", 71),
    "MobileNetV2": Backbone("tf", 32),
    "DenseNet121": Backbone("torch", 32),
    "DenseNet169": Backbone("torch", 32),
    "DenseNet201": Backbone("torch", 32),
    "EfficientNetV2B0": Backbone("torch", 32),
    "EfficientNetV2B1": Backbone("torch", 32),
    "EfficientNetV2B2": Backbone("torch", 32),
    "EfficientNetV2B3": Backbone("torch", 32),
    "EfficientNetV2S": Backbone("symmetric", 32),
    "EfficientNetV2M": Backbone("symmetric", 32),
    "EfficientNetV2L": Backbone("symmetric", 32),
    "ConvNeXtTiny": Backbone("torch", 32),
    "ConvNeXtSmall": Backbone("torch", 32),
    "ConvNeXtBase": Backbone("torch", 32),
}
"""Networks of ``keras.applications``, by its names; the preprocessing is the one that their weights were trained with.

EfficientNetB0 to B7 are left out: their preprocessing is part of the network, and depends on the weights.
"""

BACKBONES = OWN | KERAS
