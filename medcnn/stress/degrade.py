"""Images made worse: brightness, contrast, noise, blur and compression, each at five strengths."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageFilter

from medcnn.core import seeding

WHITE = 255
REFERENCE_SIDE = 224
"""The side of the images, in pixels, that the strengths of blur were made for."""

STRENGTHS: Mapping[str, tuple[float, ...]] = {
    "brightness": (0.1, 0.2, 0.3, 0.4, 0.5),
    "contrast": (0.4, 0.3, 0.2, 0.1, 0.05),
    "noise": (0.08, 0.12, 0.18, 0.26, 0.38),
    "blur": (1, 2, 3, 4, 6),
    "jpeg": (25, 18, 15, 10, 7),
}
"""From mild to harsh, those of ImageNet-C (Hendrycks and Dietterich, ICLR 2019, https://arxiv.org/abs/1903.12261):

- brightness: added to every pixel, as a share of white.
- contrast: what is left of the distance to the image's mean colour, as a factor.
- noise: standard deviation of Gaussian noise, as a share of white.
- blur: standard deviation of a Gaussian, in pixels of an image of ``REFERENCE_SIDE``; scaled to the image's side.
- jpeg: quality of the compression, 1..95.
"""


def degraded(image: np.ndarray, kind: str, strength: float, *key: object) -> np.ndarray:
    """One image, degraded.

    Args:
        image: uint8 (H, W, 3).
        kind: a key of ``STRENGTHS``.
        strength: how much, in the unit of ``kind``.
        key: what noise depends on besides kind and strength, such as seed and image id.

    Returns:
        uint8 (H, W, 3). A grey image stays grey.
    """
    return _DEGRADERS[kind](image, strength, seeding.derived("degrade", kind, strength, *key))


def _brightness(image: np.ndarray, share: float, _: np.random.Generator) -> np.ndarray:
    return _pixels(image + share * WHITE)


def _contrast(image: np.ndarray, factor: float, _: np.random.Generator) -> np.ndarray:
    mean = image.mean(axis=(0, 1))
    return _pixels((image - mean) * factor + mean)


def _noise(image: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    # The noise of a scanner without colours has none either.
    grey = (image == image[..., :1]).all()
    shape = (*image.shape[:2], 1) if grey else image.shape
    return _pixels(image + rng.normal(0, deviation * WHITE, shape))


def _blur(image: np.ndarray, deviation: float, _: np.random.Generator) -> np.ndarray:
    radius = deviation * max(image.shape[:2]) / REFERENCE_SIDE
    return np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(radius)))


def _jpeg(image: np.ndarray, quality: float, _: np.random.Generator) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=int(quality))
    return np.asarray(Image.open(buffer))


def _pixels(values: np.ndarray) -> np.ndarray:
    return np.rint(values).clip(0, WHITE).astype(np.uint8)


_DEGRADERS: Mapping[str, Callable[[np.ndarray, float, np.random.Generator], np.ndarray]] = {
    "brightness": _brightness,
    "contrast": _contrast,
    "noise": _noise,
    "blur": _blur,
    "jpeg": _jpeg,
}
