"""From tissue to 8-bit pixels: a scanner's gain, offset and noise; and what becomes of a picture that is passed on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from medcnn.download.phantom.brushes import Stack

Pixels = NDArray[np.uint8]

NOISE = 5.0


def scan(image: Stack, rng: np.random.Generator) -> Pixels:
    """Take pictures of the slices of one patient, with one setting of the scanner; shape (slices, size, size)."""
    exposed = 128 + (image - 128) * rng.uniform(0.95, 1.05) + rng.uniform(-5, 5)
    return _to_pixels(exposed + NOISE * rng.uniform(0.7, 1.3) * _grain(rng, image.shape))


def noisier(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The picture with a little more noise; shape (size, size)."""
    return _to_pixels(pixels + 3 * _grain(rng, (1, *pixels.shape))[0])


def screenshot(pixels: Pixels) -> Pixels:
    """The picture a little brighter and in colour, as off a screen; shape (size, size, 3)."""
    return np.repeat(_to_pixels(1.06 * pixels.astype(np.float64) + 5)[..., None], 3, axis=2)


def shifted(pixels: Pixels) -> Pixels:
    """The picture moved right by a pixel in 128, part pixels by interpolation; shape (size, size)."""
    size = pixels.shape[1]
    whole, part = divmod(size, 128)
    wide: Stack = np.pad(pixels.astype(np.float64), ((0, 0), (whole + 1, 0)), mode="edge")
    near, far = wide[:, 1 : size + 1], wide[:, :size]
    return _to_pixels(near + part / 128 * (far - near))


def mirrored(pixels: Pixels) -> Pixels:
    """The picture with left and right changed over; shape (size, size)."""
    return pixels[:, ::-1]


def cropped(pixels: Pixels) -> Pixels:
    """The inner three quarters of the picture, each way; shape (3/4 size, 3/4 size)."""
    margin = len(pixels) // 8
    return pixels[margin:-margin, margin:-margin]


def rewindowed(pixels: Pixels) -> Pixels:
    """The picture in another window, in which the darkest and the brightest tones are cut off; shape (size, size)."""
    return _to_pixels((pixels.astype(np.float64) - 40) * 1.5)


def halved(pixels: Pixels) -> Pixels:
    """The picture at half its resolution; shape (size / 2, size / 2)."""
    even: Stack = pixels[: len(pixels) // 2 * 2, : pixels.shape[1] // 2 * 2].astype(np.float64)
    return _to_pixels((even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4)


def _grain(rng: np.random.Generator, shape: tuple[int, ...]) -> Stack:
    """Noise of variance 1 whose neighbours are alike, as reconstruction leaves it."""
    noise = rng.standard_normal(shape)
    return (noise + 0.5 * (np.roll(noise, 1, 1) + np.roll(noise, 1, 2))) / np.sqrt(1.5)


def _to_pixels(values: Stack) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


CHANGES: Mapping[str, Callable[[Pixels], Pixels]] = {
    change.__name__: change for change in (screenshot, shifted, mirrored, cropped, rewindowed)
}
"""What becomes of a picture, by name, where nothing is drawn and the file stays a PNG."""
