from __future__ import annotations

import json

import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.inference import novelty
from medcnn.inference.novelty import Novelty

SIDE = 48


def scans(count: int, seed: int = 0, side: int = SIDE) -> np.ndarray:
    """Bright ovals with a dark spot on black, a little moved, scaled and noisy, as of one organ."""
    rng = np.random.default_rng(seed)
    across, down = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    images = []
    for _ in range(count):
        x, y, size = rng.normal(0, 0.04, 3)
        body = ((across - x) / 0.6) ** 2 + ((down - y) / 0.85) ** 2 < (1 + size) ** 2
        spot = (across - x - 0.2) ** 2 + (down - y + 0.4) ** 2 < 0.03
        grey = 150 * body * (1 - 0.7 * spot) * rng.normal(1, 0.08) + rng.normal(8, 3, body.shape)
        images.append(grey.clip(0, 255).astype(np.uint8))
    return np.repeat(np.stack(images)[..., None], 3, axis=-1)


@pytest.fixture(scope="module")
def fitted() -> Novelty:
    return novelty.fitted(scans(80, 1), scans(40, 2))


def test_other_images_of_the_same_kind_are_seldom_flagged(fitted: Novelty):
    assert fitted.unlike(scans(200, 3)).mean() < 0.12
    assert fitted.unlike(scans(40, 2)).sum() == 2


def test_images_of_another_kind_are_flagged(fitted: Novelty):
    rng = np.random.default_rng(0)
    seen = scans(30, 4)
    colour = rng.integers(0, 256, (30, 1, 1, 3), np.uint8)
    others = {
        "inverted": 255 - seen,
        "turned": np.rot90(seen, axes=(1, 2)),
        "upside down": seen[:, ::-1],
        "black": np.zeros_like(seen),
        "white": np.full_like(seen, 255),
        "noise": rng.integers(0, 256, seen.shape, np.uint8),
        "photographs": np.broadcast_to(colour, seen.shape),
        "tinted": (seen * np.array([1, 0.5, 0.5])).astype(np.uint8),
        "cut out": np.repeat(np.repeat(seen[:, 12:36, 12:36], 2, axis=1), 2, axis=2),
    }
    assert {name: fitted.unlike(images).mean() for name, images in others.items()} == pytest.approx(
        dict.fromkeys(others, 1.0), abs=0.1
    )


@pytest.mark.parametrize("count", [1, 2, 20])
def test_few_training_images_are_enough(count: int):
    few = novelty.fitted(scans(count, 1), scans(20, 2))
    assert few.unlike(scans(100, 3)).mean() < 0.2
    assert few.unlike(255 - scans(20, 4)).all()


def test_images_all_alike_are_enough():
    black = np.zeros((20, SIDE, SIDE, 3), np.uint8)
    flat = novelty.fitted(black, black[:5])
    assert not flat.unlike(black).any()
    assert flat.unlike(scans(5)).all()


def test_scores_are_those_that_the_module_describes(fitted: Novelty):
    image = np.random.default_rng(5).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    values = [list(line) for line in image.astype(float)]
    grey = [[float(sum(pixel)) / 765 for pixel in line] for line in values]
    last = SIDE - 1
    across = [[abs(grey[y][x + 1] - grey[y][x]) for x in range(last)] for y in range(last)]
    down = [[abs(grey[y + 1][x] - grey[y][x]) for x in range(last)] for y in range(last)]

    def cells(picture: list[list[float]]) -> list[float]:
        side = len(picture)
        found: list[list[float]] = [[] for _ in range(novelty.CELLS**2)]
        for y in range(side):
            for x in range(side):
                found[novelty.CELLS * y // side * novelty.CELLS + novelty.CELLS * x // side].append(picture[y][x])
        return [sum(cell) / len(cell) for cell in found]

    pixels = [pixel for line in values for pixel in line]
    shade = [int(novelty.SHADES * sum(pixel) // 766) for pixel in pixels]
    inner = [(y, x) for y in range(1, last) for x in range(1, last)]
    curved = [4 * grey[y][x] - grey[y][x - 1] - grey[y][x + 1] - grey[y - 1][x] - grey[y + 1][x] for y, x in inner]
    expected = [
        *cells(grey),
        *(value**0.5 for value in cells(across)),
        *(value**0.5 for value in cells(down)),
        *((shade.count(index) / len(shade)) ** 0.5 for index in range(novelty.SHADES)),
        np.mean([max(pixel) - min(pixel) for pixel in pixels]) / 255,
        np.mean([red - green for red, green, _ in pixels]) / 255,
        np.mean([blue - green for _, green, blue in pixels]) / 255,
        np.std(grey),
        np.mean(np.abs(curved)) ** 0.5,
    ]
    np.testing.assert_allclose(novelty.features(image[None])[0], expected, atol=1e-6)
    centred = np.array(expected) - fitted.mean
    whitened = [sum(row[: i + 1] * centred[: i + 1]) for i, row in enumerate(fitted.whitening)]
    assert fitted.scores(image[None])[0] == pytest.approx(np.mean(np.square(whitened)) ** 0.5, rel=1e-4)


def test_what_is_written_is_what_is_used(fitted: Novelty):
    text = fitted.to_json()
    assert text == novelty.fitted(scans(80, 1), scans(40, 2)).to_json()
    again = Novelty.from_json(text)
    assert again.to_json() == text
    assert (again.scores(scans(9, 6)) == fitted.scores(scans(9, 6))).all()
    rows = json.loads(text)["whitening"]
    assert [len(row) for row in rows] == list(range(1, novelty.FEATURES + 1))
    assert len(text) < 60_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"mean": [], "whitening": [], "threshold": 1}',
        '{"mean": "x", "whitening": 1, "threshold": 1}',
    ],
)
def test_text_that_is_none_of_its_own_is_refused(text: str):
    with pytest.raises(MedcnnError, match="of 88 features"):
        Novelty.from_json(text)


def test_numbers_that_are_none_are_refused(fitted: Novelty):
    good = json.loads(fitted.to_json())
    for changes in ({"threshold": float("nan")}, {"threshold": "1"}, {"mean": [True, *good["mean"][1:]]}):
        with pytest.raises(MedcnnError):
            Novelty.from_json(json.dumps({**good, **changes}))
    with pytest.raises(MedcnnError):
        Novelty.from_json(json.dumps({**good, "whitening": [[1e300], *good["whitening"][1:]]}))


def test_no_images_and_tiny_ones_are_refused():
    with pytest.raises(MedcnnError, match="validation"):
        novelty.fitted(scans(3), scans(1)[:0])
    with pytest.raises(MedcnnError, match="too small"):
        novelty.features(np.zeros((1, 4, 4, 3), np.uint8))
