"""Augmentation drawn statelessly: the same seed, round and image give the same pixels, whatever came before."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, radians, sin

import numpy as np
from PIL import Image

from medcnn.core import seeding
from medcnn.params.shared.policies import Policy


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
    return np.clip(np.rint(np.asarray(view, np.float32) * np.float32(factor)), 0, 255).astype(np.uint8)


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
