from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from medcnn.explain import trust

SIDE = 60


def slice_with_lungs(background: int = 8) -> np.ndarray:
    """A bright ellipse with two dark holes and a detached line below, before an even background."""
    y, x = np.mgrid[:SIDE, :SIDE]
    grey = np.full((SIDE, SIDE), background, np.uint8)
    grey[((x - 30) / 26) ** 2 + ((y - 28) / 20) ** 2 < 1] = 150
    for centre in (20, 40):
        grey[((x - centre) / 7) ** 2 + ((y - 28) / 10) ** 2 < 1] = 30
    grey[55:57, 5:55] = 120
    return np.repeat(grey[..., None], 3, axis=2)


def test_the_body_is_the_largest_bright_part_with_its_holes_and_without_the_table():
    body = trust.body(slice_with_lungs())
    assert body is not None
    assert body[28, 20] and body[28, 40] and body[28, 30]
    assert not body[56, 30] and not body[2, 2]
    assert body.mean() == pytest.approx(np.pi * 26 * 20 / SIDE**2, rel=0.05)


@pytest.mark.parametrize(
    "pixels",
    [
        255 - slice_with_lungs(),
        np.zeros((SIDE, SIDE, 3), np.uint8),
        np.full((SIDE, SIDE, 3), 255, np.uint8),
        np.random.default_rng(0).integers(100, 110, (SIDE, SIDE, 3), np.uint8),
    ],
    ids=["bright background", "black", "white", "noise"],
)
def test_where_no_body_can_be_told_there_is_none(pixels: np.ndarray):
    assert trust.body(pixels) is None
    assert np.isnan(trust.inside(np.ones((3, 3)), trust.body(pixels)))


def test_heat_is_shared_out_between_the_body_and_the_rest():
    body = np.zeros((SIDE, SIDE), bool)
    body[:, :30] = True
    assert trust.inside(np.ones((6, 6)), body) == pytest.approx(0.5)
    left, against = np.zeros((SIDE, SIDE)), np.full((SIDE, SIDE), -1.0)
    left[10, 10] = 3
    assert trust.inside(left, body) == 1
    assert trust.inside(np.where(left > 0, left, against), ~body) == 0, "what speaks against the class is no heat"
    assert np.isnan(trust.inside(against, body))


def test_maps_are_compared_by_rank():
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(7, 7)), rng.normal(size=(7, 7)).round(1)
    assert trust.rank_correlation(one, other) == pytest.approx(stats.spearmanr(one.ravel(), other.ravel())[0])
    assert trust.rank_correlation(one, np.exp(one)) == pytest.approx(1)
    assert np.isnan(trust.rank_correlation(one, np.zeros((7, 7))))


def test_noise_stays_pale():
    assert trust.strength(np.array([[-2.0, 0.01]])).max() == pytest.approx(0.01 / trust.FAINTEST)
    assert trust.strength(np.array([[-2.0, 5.0]])).tolist() == [[0, 1]]
