"""Augmentation drawn statelessly: the same seed, round and image give the same pixels, whatever came before."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians, sin

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from medcnn.core import seeding
from medcnn.params.shared.policies import NO_CHANGE, Policy

Pixels = npt.NDArray[np.float32]
_KNOTS = 5


def augmented(image: np.ndarray, policy: Policy, *key: object) -> np.ndarray:
    """One random view of an image.

    Args:
        image: uint8 (H, W, 3).
        policy: the ranges to draw from.
        key: what the draw depends on, such as seed, epoch and image id.

    Returns:
        uint8 (H, W, 3); what comes in from outside the image is black.
    """
    rng = seeding.derived("augment", *key)
    matrix = _matrix(policy, rng, image.shape[1], image.shape[0])
    view = Image.fromarray(image).transform(
        (image.shape[1], image.shape[0]), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR
    )
    factor = rng.uniform(*policy.brightness)
    pixels = np.asarray(view, np.float32) * np.float32(factor)
    for alter in (_bent, _contrasted, _gamma, _noisy, _cut_out):
        pixels = alter(pixels, policy, rng)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def _bent(pixels: Pixels, policy: Policy, rng: np.random.Generator) -> Pixels:
    """Moved along a smooth field of shifts between the knots of a grid (Simard et al., ICDAR 2003)."""
    if not policy.elastic:
        return pixels
    height, width = pixels.shape[:2]
    knots = rng.uniform(-policy.elastic, policy.elastic, (2, _KNOTS, _KNOTS)) * np.array([height, width])[:, None, None]
    places = np.mgrid[0 : _KNOTS - 1 : height * 1j, 0 : _KNOTS - 1 : width * 1j]
    shifts = [ndimage.map_coordinates(shift, places, order=3, mode="nearest") for shift in knots]
    source = np.mgrid[:height, :width] + np.stack(shifts)
    channels = [ndimage.map_coordinates(channel, source, order=1) for channel in np.moveaxis(pixels, -1, 0)]
    return np.stack(channels, axis=-1)


def _contrasted(pixels: Pixels, policy: Policy, rng: np.random.Generator) -> Pixels:
    if policy.contrast == NO_CHANGE:
        return pixels
    mean = np.float32(pixels.mean())
    return mean + (pixels - mean) * np.float32(rng.uniform(*policy.contrast))


def _gamma(pixels: Pixels, policy: Policy, rng: np.random.Generator) -> Pixels:
    if policy.gamma == NO_CHANGE:
        return pixels
    shares = np.clip(pixels, 0, 255) / np.float32(255)
    return (shares ** np.float32(rng.uniform(*policy.gamma))) * np.float32(255)


def _noisy(pixels: Pixels, policy: Policy, rng: np.random.Generator) -> Pixels:
    """With the same noise in all channels, as most medical images are grey."""
    if not policy.noise:
        return pixels
    deviation = np.float32(255 * rng.uniform(0, policy.noise))
    return pixels + deviation * rng.standard_normal((*pixels.shape[:2], 1), np.float32)


def _cut_out(pixels: Pixels, policy: Policy, rng: np.random.Generator) -> Pixels:
    if not policy.cutout:
        return pixels
    height, width = pixels.shape[:2]
    rows, columns = round(policy.cutout * height), round(policy.cutout * width)
    top, left = rng.integers((height - rows + 1, width - columns + 1))
    pixels = pixels.copy()
    pixels[top : top + rows, left : left + columns] = 127.5
    return pixels


def _matrix(policy: Policy, rng: np.random.Generator, width: int, height: int) -> Sequence[float]:
    """Pillow's affine coefficients, from output to input pixels, about the image's centre."""
    angle = radians(rng.uniform(-policy.rotation, policy.rotation))
    shear = rng.uniform(-policy.shear, policy.shear)
    zoom = rng.uniform(1 - policy.zoom, 1 + policy.zoom)
    shift = rng.uniform(-policy.shift, policy.shift, 2) * (width, height)
    turned = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
    sheared = np.array([[1.0, shear], [0.0, 1.0]])
    linear = turned @ sheared @ np.diag(_mirror(policy.flip, rng)) * zoom
    centre = np.array([width / 2, height / 2])
    offset = centre + shift - linear @ centre
    return [linear[0, 0], linear[0, 1], offset[0], linear[1, 0], linear[1, 1], offset[1]]


def _mirror(flip: str, rng: np.random.Generator) -> list[float]:
    across, along = rng.random(2) < 0.5
    return [
        -1.0 if across and flip in {"horizontal", "both"} else 1.0,
        -1.0 if along and flip in {"vertical", "both"} else 1.0,
    ]
