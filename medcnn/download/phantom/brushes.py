"""Brushes of the phantom: outlines with a wavy edge and smooth random texture, over the stack of a patient's slices.

Coordinates run from -1 to 1, x to the right and y down. A ``Stack`` is float64 of shape (slices, size, size) or one
that broadcasts to it; what changes along the patient alone has shape (slices, 1, 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Stack = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """The coordinates of every pixel."""

    x: Stack
    y: Stack

    def around(self, x: Stack, y: Stack, radius: Stack) -> Grid:
        """The same pixels seen from a centre, in units of a radius."""
        return Grid((self.x - x) / radius, (self.y - y) / radius)

    @property
    def polar(self) -> tuple[Stack, Stack]:
        """Distance from the origin, and angle from -pi to pi."""
        return np.hypot(self.x, self.y), np.arctan2(self.y, self.x)


def pixel_grid(size: int) -> Grid:
    """Pixel centres of a slice of ``size`` x ``size`` pixels."""
    centres = (2 * np.arange(size) + 1) / size - 1
    return Grid(centres[None, None, :], centres[None, :, None])


@dataclass(frozen=True)
class Outline:
    """An ellipse with a wavy edge: wave number k, a strength and phase, makes k bumps a turn."""

    x: Stack
    y: Stack
    width: Stack
    height: Stack
    waves: tuple[complex, ...]

    def depth(self, grid: Grid) -> Stack:
        """How deep each pixel lies inside the outline, roughly in coordinate units; negative outside."""
        across, down = (grid.x - self.x) / self.width, (grid.y - self.y) / self.height
        distance = np.sqrt(across**2 + down**2)
        # The powers of a unit complex number are the cosines of the multiples of its angle.
        direction = (across + 1j * down) / np.maximum(distance, 1e-9)
        reach = 1 + sum((wave * direction**k).real for k, wave in enumerate(self.waves, start=1))
        return np.asarray((reach - distance) * np.sqrt(self.width * self.height))


def random_waves(rng: np.random.Generator, count: int, strength: float) -> tuple[complex, ...]:
    """Waves for an outline, weaker as they get finer."""
    strengths = strength * rng.uniform(0.3, 1.0, count) / np.arange(1, count + 1)
    return tuple(strengths * np.exp(2j * np.pi * rng.random(count)))


def coverage(depth: Stack, softness: float) -> Stack:
    """Turn depth into coverage from 0 to 1, by a linear ramp that reaches ``softness`` to either side of the edge."""
    return np.clip(0.5 + depth / (2 * softness), 0.0, 1.0)


def paint(image: Stack, covered: Stack, value: float | Stack) -> None:
    """Lay tissue of a grey ``value`` over ``image``, in place."""
    image += covered * (value - image)


def texture(rng: np.random.Generator, turns: Stack, size: int, bumps: float) -> Stack:
    """Smooth noise of mean 0 and variance 1 with up to about ``bumps`` bumps across a slice.

    Two independent fields are mixed by the cosine and sine of each slice's angle ``turns``, shape (slices, 1, 1):
    slices a small turn apart share their texture, those a quarter apart have nothing in common.
    """
    cycles = np.hypot(np.fft.fftfreq(size, 1 / size)[:, None], np.fft.rfftfreq(size, 1 / size)[None, :])
    spectrum = np.fft.rfft2(rng.standard_normal((2, size, size))) * np.exp(-((cycles / bumps) ** 2))
    spectrum[:, 0, 0] = 0.0
    fields = np.fft.irfft2(spectrum, s=(size, size))
    fields /= fields.std(axis=(1, 2), keepdims=True)
    return np.asarray(np.cos(turns) * fields[0] + np.sin(turns) * fields[1])
