from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from medcnn.explain.overlay import GAP, SIDE, overlay, tile
from tests.conftest import picture


def hot_corner() -> np.ndarray:
    heat = np.zeros((4, 4), np.float32)
    heat[0, 3] = 1
    return heat


def test_a_tile_is_the_original_beside_the_overlay_in_few_bytes_that_never_change() -> None:
    image = np.asarray(picture(3, (96, 96), "RGB"))
    data = tile(image, [hot_corner()])
    assert data == tile(image, [hot_corner()])
    assert len(data) < 20_000
    drawn = Image.open(io.BytesIO(data))
    assert (drawn.format, drawn.size) == ("JPEG", (2 * SIDE + GAP, SIDE))
    left = np.asarray(drawn.crop((0, 0, SIDE, SIDE)), float)
    original = np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC), float)
    assert np.abs(left - original).mean() < 4


def test_colour_is_where_the_map_is_and_the_rest_is_the_image_in_grey() -> None:
    image = picture(4, (SIDE, SIDE), "RGB")
    grey = np.asarray(image.convert("L"))
    drawn = overlay(image, hot_corner())
    cold = drawn[SIDE // 2 :, : SIDE // 2]
    assert (cold == grey[SIDE // 2 :, : SIDE // 2, None]).all()
    hot = drawn[: SIDE // 8, -SIDE // 8 :].astype(int)
    assert (hot[..., 0] > hot[..., 2]).all()


def test_the_image_is_seen_through_the_strongest_part_of_the_map() -> None:
    image = picture(5, (SIDE, SIDE), "L").convert("RGB")
    grey = np.asarray(image.convert("L"), float)
    red = overlay(image, np.ones((3, 3), np.float32))[..., 0].astype(float)
    assert np.corrcoef(grey.ravel(), red.ravel())[0, 1] > 0.99
    assert np.ptp(red) > 0.3 * np.ptp(grey)


@pytest.mark.parametrize("value", [0.0, 0.25, 0.5, 0.75])
def test_more_heat_is_brighter_on_black(value: float) -> None:
    def brightness(strength: float) -> float:
        black = Image.new("RGB", (SIDE, SIDE))
        return overlay(black, np.full((2, 2), strength, np.float32)).mean()

    assert brightness(value) < brightness(value + 0.25)
