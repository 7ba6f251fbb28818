"""The chest of a made-up patient in axial slices: drawn once a patient, changing smoothly from slice to slice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medcnn.download.phantom.brushes import Grid, Outline, Stack, coverage, paint, random_waves, texture

AIR, LUNG, TABLE, FAT, MUSCLE, ORGAN, MARROW, BONE = 6.0, 42.0, 60.0, 88.0, 132.0, 158.0, 185.0, 225.0
"""Grey values of tissues, out of 255."""

SOFT = 0.02
"""Softness of the edge between two tissues, in coordinate units."""

BREATH = 0.03
"""How far breathing moves and stretches things between one slice and the next (standard deviation)."""


Range = tuple[float, float]


@dataclass(frozen=True)
class Torso:
    """How a patient lies in the scanner; organs are placed in units of the torso's half width and half height."""

    levels: Stack
    x: Stack
    y: Stack
    width: float
    height: float
    lean: float

    def outline(
        self, rng: np.random.Generator, at: tuple[Range, Range], size: tuple[float | Stack, float | Stack], wavy: float
    ) -> Outline:
        """An outline at a place drawn from the ranges ``at``, with half axes ``size``."""
        across, down = rng.uniform(*at[0]), rng.uniform(*at[1])
        width, height = (np.ones_like(self.levels) * half for half in size)
        return Outline(
            self.x + self.width * (across + self.lean * down),
            self.y + self.height * down,
            self.width * width,
            self.height * height,
            random_waves(rng, 3, wavy),
        )


@dataclass(frozen=True)
class Chest:
    """The outlines that a patient's slices share; all change smoothly with ``levels``, 0 (top) to 1 (diaphragm)."""

    levels: Stack
    body: Outline
    lungs: tuple[Outline, Outline]
    heart: Outline
    diaphragm: Outline
    aorta: Outline
    hilum: Outline
    airway: Outline
    spine: Outline


def random_chest(rng: np.random.Generator, slices: int) -> Chest:
    """Draw the anatomy of one patient."""
    torso = _torso(rng, slices)
    levels = torso.levels
    widening = 1 + rng.uniform(-0.15, 0.15) * (levels - 0.5)
    rise = np.maximum(levels - rng.uniform(0.4, 0.8), 0.0)
    cone = 1.2 - levels
    airway = rng.uniform(0.05, 0.08)
    return Chest(
        levels,
        body=torso.outline(rng, ((0, 0), (0, 0)), (widening, widening), 0.06),
        lungs=(_lung(rng, torso, -1), _lung(rng, torso, 1)),
        heart=torso.outline(
            rng,
            ((-0.05, 0.18), (-0.35, -0.1)),
            (rng.uniform(0.18, 0.3) * (0.55 + 0.6 * levels), rng.uniform(0.25, 0.4) * (0.6 + 0.5 * levels)),
            0.12,
        ),
        diaphragm=torso.outline(
            rng,
            ((-0.5, -0.4), (-0.15, 0.15)),
            (0.02 + rng.uniform(0.5, 0.8) * rise, 0.02 + rng.uniform(0.65, 1.05) * rise),
            0.12,
        ),
        aorta=torso.outline(rng, ((0.08, 0.2), (0.3, 0.45)), (rng.uniform(0.06, 0.11), rng.uniform(0.08, 0.13)), 0.05),
        hilum=torso.outline(rng, ((0.2, 0.3), (-0.25, 0.25)), (rng.uniform(0.05, 0.1), rng.uniform(0.05, 0.1)), 0.12),
        airway=torso.outline(rng, ((-0.08, 0.08), (-0.1, 0.15)), (airway * cone, 1.3 * airway * cone), 0.05),
        spine=torso.outline(
            rng, ((-0.04, 0.04), (0.58, 0.68)), (rng.uniform(0.13, 0.17), rng.uniform(0.15, 0.2)), 0.12
        ),
    )


def _torso(rng: np.random.Generator, slices: int) -> Torso:
    levels = np.linspace(rng.uniform(0.0, 0.3), rng.uniform(0.75, 1.0), slices)[:, None, None]
    drift = rng.uniform(-0.1, 0.1, 2)
    x, y = (rng.uniform(-0.04, 0.04) + slope * (levels - 0.5) + rng.normal(0, BREATH, levels.shape) for slope in drift)
    return Torso(levels, x, y, rng.uniform(1.0, 1.15), rng.uniform(0.85, 1.02), rng.uniform(-0.08, 0.08))


def _lung(rng: np.random.Generator, torso: Torso, side: int) -> Outline:
    taper = 1 - rng.uniform(0.3, 0.8) * (torso.levels - rng.uniform(0.35, 0.65)) ** 2
    width, height = (
        half * taper * (1 + rng.normal(0, BREATH, taper.shape))
        for half in (rng.uniform(0.33, 0.4), rng.uniform(0.58, 0.7))
    )
    middle = side * 0.45
    return torso.outline(rng, ((middle - 0.03, middle + 0.03), (-0.1, 0.1)), (width, height), 0.1)


def draw(chest: Chest, rng: np.random.Generator, grid: Grid) -> tuple[Stack, Stack]:
    """Draw a patient's slices.

    Returns:
        Grey values and, for each pixel, how far it is lung from 0 to 1; both (slices, size, size).
    """
    size = grid.x.size
    image = np.full((len(chest.levels), size, size), AIR)
    _draw_wall(image, chest, rng, grid)
    lung = np.maximum(*(coverage(side.depth(grid), SOFT) for side in chest.lungs))
    paint(image, lung, LUNG + rng.uniform(-10, 10) + 6 * texture(rng, 4 * chest.levels, size, 5))
    _draw_vessels(image, lung, chest, rng)
    for organ in (chest.heart, chest.diaphragm, chest.aorta, chest.hilum):
        covered = coverage(organ.depth(grid), SOFT)
        paint(image, covered, ORGAN + rng.uniform(-14, 14))
        lung *= 1 - covered
    paint(image, coverage(chest.airway.depth(grid), SOFT), AIR + 14)
    bone = chest.spine.depth(grid)
    paint(image, coverage(bone, SOFT), MARROW)
    paint(image, coverage(0.03 - np.abs(bone - 0.015), SOFT), BONE)
    lung *= 1 - coverage(bone, SOFT)
    return image, lung


def _draw_wall(image: Stack, chest: Chest, rng: np.random.Generator, grid: Grid) -> None:
    """The table, fat under the skin, muscle, and ribs cut into short arcs."""
    size, levels = grid.x.size, chest.levels
    table = rng.uniform(0.84, 0.95) - rng.uniform(0.1, 0.25) * grid.x**2
    paint(image, coverage(0.012 - np.abs(grid.y - table), SOFT), TABLE)
    skin = chest.body.depth(grid)
    paint(image, coverage(skin, SOFT), FAT + 4 * texture(rng, 3 * levels, size, 8))
    muscle = skin - rng.uniform(0.04, 0.1)
    paint(image, coverage(muscle, SOFT), MUSCLE + 6 * texture(rng, 3 * levels, size, 10))
    _, angle = grid.around(chest.body.x, chest.body.y, np.ones_like(levels)).polar
    arcs = np.cos(rng.integers(7, 12) * angle + rng.uniform(0, 6) + rng.uniform(4, 9) * levels) - 0.2
    paint(image, coverage(np.minimum(0.025 - np.abs(muscle - 0.06), 0.08 * arcs), SOFT), BONE)


def _draw_vessels(image: Stack, lung: Stack, chest: Chest, rng: np.random.Generator) -> None:
    """Thin branching lines: where a smooth field crosses zero, as wide as a coarser field is high."""
    size, turns = image.shape[-1], 5 * chest.levels
    course = np.abs(texture(rng, turns, size, 9))
    calibre = 0.1 * np.maximum(texture(rng, turns, size, 4), 0.01)
    image += 45 * lung * np.clip(1.3 - course / calibre, 0.0, 1.0)
