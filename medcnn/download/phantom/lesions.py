"""Three kinds of lesion with equal contrast, area and position, that differ in shape, edge and texture alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medcnn.download.phantom.anatomy import LUNG, Chest
from medcnn.download.phantom.brushes import Grid, Outline, Stack, coverage, paint, random_waves, texture

KINDS = ("nodule", "spiculated", "ground_glass")

RADIUS = (0.22, 0.235)
"""Radius of the disc whose area a lesion has in its largest slice, in coordinate units."""

CONTRAST = (74.0, 84.0)
"""Grey values that a lesion is brighter than lung."""

SPREAD = 0.06
"""Largest distance from the middle of the lung, in half widths and half heights of the lung."""

SHARP, HAZY = 0.12, 0.6
"""Softness of a clear and of a diffuse edge, in radii of the lesion."""


@dataclass(frozen=True)
class Place:
    """Where a lesion lies and how large it is, in every slice of its patient; ``contrast`` is in grey values."""

    x: Stack
    y: Stack
    radius: Stack
    contrast: float


def random_place(rng: np.random.Generator, chest: Chest, visible: range) -> Place:
    """Draw a place near the middle of one lung, without a look at the lesion's kind."""
    lung = chest.lungs[1]
    away, angle = SPREAD * np.sqrt(rng.random()), 2 * np.pi * rng.random()
    along = (np.arange(len(chest.levels)) - visible.start + 0.5) / len(visible) - rng.uniform(0.25, 0.75)
    return Place(
        lung.x + away * np.cos(angle) * lung.width,
        lung.y + away * np.sin(angle) * lung.height,
        rng.uniform(*RADIUS) * (1 - 0.4 * along[:, None, None] ** 2),
        rng.uniform(*CONTRAST),
    )


def draw(image: Stack, lung: Stack, kind: str, place: Place, rng: np.random.Generator, grid: Grid) -> None:
    """Draw a lesion into the slices of ``image``, (slices, size, size), as far as they are ``lung``."""
    near = grid.around(place.x, place.y, place.radius)
    if kind == "nodule":
        covered, grain = coverage(_round(rng, near, 1.0, 0.08), SHARP), np.ones(1)
    elif kind == "spiculated":
        covered, grain = coverage(_spiky(rng, near), SHARP), np.ones(1)
    else:
        # A wide ramp adds HAZY**2 / 3 to the squared radius of a disc.
        covered = coverage(_round(rng, near, np.sqrt(1 - HAZY**2 / 3), 0.15), HAZY)
        grain = 1 + _speckle(rng, len(image), grid.x.size)
    paint(image, lung * covered, LUNG + place.contrast * grain)


def _round(rng: np.random.Generator, grid: Grid, radius: float, wavy: float) -> Stack:
    one = np.full((1, 1, 1), radius)
    return Outline(0 * one, 0 * one, one, one, random_waves(rng, 3, wavy)).depth(grid)


def _spiky(rng: np.random.Generator, grid: Grid) -> Stack:
    """Depth inside a star whose spikes differ from slice to slice, scaled to the area of a disc of radius 1."""
    distance, angle = grid.polar
    turn = np.linspace(-np.pi, np.pi, 721)
    reach = np.stack([np.interp(sheet, turn, _star(rng, turn)) for sheet in angle])
    return np.asarray(reach - distance)


def _star(rng: np.random.Generator, turn: Stack) -> Stack:
    spikes = rng.integers(9, 14)
    at = 2 * np.pi * ((np.arange(spikes) + rng.uniform(-0.35, 0.35, spikes)) / spikes + rng.random())
    away = np.abs((turn[:, None] - at) % (2 * np.pi) - np.pi)
    length = rng.uniform(0.6, 1.6, spikes)
    reach = 0.5 + (length * np.maximum(0, 1 - away / 0.25) ** 1.5).max(axis=1)
    return np.asarray(reach / np.sqrt(np.mean(reach[:-1] ** 2)))


def _speckle(rng: np.random.Generator, slices: int, size: int) -> Stack:
    """Grain from -1 to 1 with mean 0, another one in each slice."""
    turns = rng.uniform(0, 2 * np.pi, (slices, 1, 1))
    return np.clip(1.3 * texture(rng, turns, size, 22), -1.0, 1.0)
