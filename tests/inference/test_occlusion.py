from __future__ import annotations

import numpy as np
import pytest

from medcnn.inference.occlusion import asked, occlusion

SIDE = 32


def brightness(images: np.ndarray) -> np.ndarray:
    """A model that looks at one square alone."""
    return images[:, 4:12, 20:28].mean(axis=(1, 2, 3)) / 255


@pytest.mark.parametrize("batch", [1, 7, 500])
@pytest.mark.parametrize("places", [7, 10, 13])
def test_heat_is_where_a_patch_takes_from_the_score(batch: int, places: int):
    pixels = np.full((SIDE, SIDE, 3), 110, np.uint8)
    pixels[4:12, 20:28] = 255
    runs: list[int] = []

    def score(images: np.ndarray) -> np.ndarray:
        runs.append(len(images))
        return brightness(images)

    bright = occlusion(pixels, score, batch, places)
    assert bright.shape == (SIDE, SIDE)
    assert bright[6:10, 22:26].min() > 0
    assert bright[20:, :12].max() == 0
    assert sum(runs) == asked(places)
    assert max(runs) <= batch
    dark = occlusion(pixels, lambda images: 1 - brightness(images), batch, places)
    np.testing.assert_allclose(dark, -bright, atol=1e-9)


@pytest.mark.parametrize("side", [5, 20, 50, 97])
@pytest.mark.parametrize("places", [7, 10, 13])
def test_every_pixel_of_any_size_is_covered(side: int, places: int):
    heat = occlusion(np.zeros((side, side, 3), np.uint8), lambda images: np.zeros(len(images)), 64, places)
    assert np.isfinite(heat).all()
