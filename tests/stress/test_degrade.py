from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from medcnn.stress.degrade import STRENGTHS, degraded
from tests.conftest import picture

# Pictures of a grain, which a slight blur takes away.
GRAIN = np.random.default_rng(0).integers(0, 40, (96, 96, 1), np.uint8)
GREY = np.asarray(picture(1, (96, 96)).convert("RGB")) // 2 + GRAIN
COLOURED = np.asarray(picture(2, (96, 96), "RGB")) // 2 + GRAIN
ALL = [(kind, strength) for kind, strengths in STRENGTHS.items() for strength in strengths]


@pytest.mark.parametrize(("kind", "strength"), ALL)
@pytest.mark.parametrize("image", [GREY, COLOURED], ids=["grey", "coloured"])
def test_a_degraded_image_is_another_of_the_same_kind(kind: str, strength: float, image: np.ndarray) -> None:
    before = image.copy()
    found = degraded(image, kind, strength, 42, "an image")
    assert (found.dtype, found.shape) == (np.uint8, image.shape)
    assert (found != image).any()
    assert (image == before).all()
    assert (found == degraded(image, kind, strength, 42, "an image")).all()
    assert (found == found[..., :1]).all() == (image is GREY)


@pytest.mark.parametrize("kind", STRENGTHS)
def test_there_are_five_strengths_and_each_is_harsher_than_the_one_before(kind: str) -> None:
    assert len(STRENGTHS[kind]) == 5
    errors = [
        np.square(degraded(GREY, kind, strength, 42, "an image").astype(float) - GREY).mean()
        for strength in STRENGTHS[kind]
    ]
    assert all(milder < harsher for milder, harsher in pairwise(errors))


def test_brightness_is_added_and_stops_at_white() -> None:
    image = np.array([[[0, 0, 0], [100, 100, 100], [250, 250, 250]]], np.uint8)
    assert degraded(image, "brightness", 0.2)[0, :, 0].tolist() == [51, 151, 255]


def test_contrast_keeps_the_mean_of_every_channel() -> None:
    image = np.array([[[0, 50, 10], [200, 150, 10]]], np.uint8)
    assert degraded(image, "contrast", 0.5).tolist() == [[[50, 75, 10], [150, 125, 10]]]


def test_noise_has_its_deviation_and_hangs_on_seed_strength_and_image() -> None:
    flat = np.full((200, 200, 3), 128, np.uint8)
    noise = degraded(flat, "noise", 0.08, 42, "an image").astype(float) - flat
    assert noise.mean() == pytest.approx(0, abs=0.5)
    assert noise.std() == pytest.approx(0.08 * 255, rel=0.02)
    for other in (
        degraded(flat, "noise", 0.08, 43, "an image"),
        degraded(flat, "noise", 0.08, 42, "another"),
        128 + (degraded(flat, "noise", 0.12, 42, "an image") - 128.0) * 0.08 / 0.12,
    ):
        assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 0.02


def test_blur_spreads_a_line_by_its_deviation_whatever_the_size_of_the_image() -> None:
    for side in (112, 224, 448):
        line = np.zeros((side, side, 3), np.uint8)
        line[side // 2] = 255
        across = degraded(line, "blur", 4.0)[:, side // 2, 0].astype(float)
        distance = np.arange(side) - side // 2
        spread = np.sqrt((across * distance**2).sum() / across.sum())
        assert spread == pytest.approx(4 * side / 224, rel=0.15)


def test_jpeg_is_what_pillow_gives_at_that_quality() -> None:
    buffer = io.BytesIO()
    Image.fromarray(COLOURED).save(buffer, "JPEG", quality=15)
    assert (degraded(COLOURED, "jpeg", 15) == np.asarray(Image.open(buffer))).all()
