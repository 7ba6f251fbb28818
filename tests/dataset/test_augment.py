from __future__ import annotations

import numpy as np
import pytest

from medcnn.dataset.augment import augmented
from medcnn.params.shared.policies import Policy
from tests.conftest import picture

IMAGE = np.asarray(picture(3, (64, 64), "RGB"))


def test_no_range_means_no_change() -> None:
    assert np.array_equal(augmented(IMAGE, Policy(), 1, "epoch", 0, "a"), IMAGE)


def test_the_same_key_gives_the_same_pixels_and_another_key_others() -> None:
    policy = Policy(flip="both", rotation=30, shift=0.1, shear=0.1, zoom=0.1, brightness=(0.5, 1.0))
    first = augmented(IMAGE, policy, 1, "epoch", 0, "a")
    augmented(IMAGE, policy, 9, "epoch", 9, "z")
    assert np.array_equal(first, augmented(IMAGE, policy, 1, "epoch", 0, "a"))
    for other in ((2, "epoch", 0, "a"), (1, "epoch", 1, "a"), (1, "epoch", 0, "b"), (1, "view", 0, "a")):
        assert not np.array_equal(first, augmented(IMAGE, policy, *other))


@pytest.mark.parametrize(("flip", "mirrored"), [("horizontal", IMAGE[:, ::-1]), ("vertical", IMAGE[::-1])])
def test_a_flip_mirrors_about_half_of_the_images_and_leaves_the_rest(flip: str, mirrored: np.ndarray) -> None:
    views = [augmented(IMAGE, Policy(flip=flip), key) for key in range(60)]
    same = sum(np.array_equal(view, IMAGE) for view in views)
    turned = sum(np.array_equal(view, mirrored) for view in views)
    assert same + turned == 60
    assert 15 < same < 45


def test_brightness_scales_pixels_within_its_range() -> None:
    grey = np.full((8, 8, 3), 100, np.uint8)
    levels = [int(augmented(grey, Policy(brightness=(0.5, 1.2)), key)[0, 0, 0]) for key in range(200)]
    assert 50 <= min(levels) < 56
    assert 114 < max(levels) <= 120


def test_a_shift_moves_at_most_its_share() -> None:
    dot = np.zeros((101, 101, 3), np.uint8)
    dot[48:53, 48:53] = 255
    for key in range(30):
        rows, columns = np.nonzero(augmented(dot, Policy(shift=0.1), key)[..., 0])
        assert abs(rows.mean() - 50) <= 10.6
        assert abs(columns.mean() - 50) <= 10.6


def test_rotation_turns_about_the_centre() -> None:
    dot = np.zeros((101, 101, 3), np.uint8)
    dot[48:53, 83:88] = 255
    for key in range(30):
        rows, columns = np.nonzero(augmented(dot, Policy(rotation=30), key)[..., 0] > 100)
        angle = np.degrees(np.arctan2(rows.mean() - 50, columns.mean() - 50))
        assert np.hypot(rows.mean() - 50, columns.mean() - 50) == pytest.approx(35, abs=1)
        assert abs(angle) <= 31


@pytest.mark.parametrize(
    "policy",
    [
        Policy(elastic=0.05),
        Policy(contrast=(0.5, 0.8)),
        Policy(gamma=(1.5, 2.0)),
        Policy(noise=0.1),
        Policy(cutout=0.25),
    ],
)
def test_each_kind_of_change_is_drawn_from_its_key_and_keeps_what_came_before_it(policy: Policy) -> None:
    view = augmented(IMAGE, policy, 1, "a")
    assert (view.shape, view.dtype) == (IMAGE.shape, np.uint8)
    assert not np.array_equal(view, IMAGE)
    assert np.array_equal(view, augmented(IMAGE, policy, 1, "a"))
    assert not np.array_equal(view, augmented(IMAGE, policy, 1, "b"))
    # The draws of a policy without it stay what they are.
    flipped = policy.model_copy(update={"flip": "horizontal"})
    turned = [np.array_equal(augmented(IMAGE, Policy(flip="horizontal"), key), IMAGE[:, ::-1]) for key in range(9)]
    nearer = [
        np.abs(augmented(IMAGE, flipped, key).astype(int) - IMAGE[:, ::-1]).sum()
        < np.abs(augmented(IMAGE, flipped, key).astype(int) - IMAGE).sum()
        for key in range(9)
    ]
    assert nearer == turned


def test_contrast_gamma_noise_and_cutout_do_what_they_say() -> None:
    ramp = np.repeat(np.arange(0, 256, 4, dtype=np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    softer, darker = augmented(ramp, Policy(contrast=(0.5, 0.5)), 0), augmented(ramp, Policy(gamma=(2, 2)), 0)
    assert softer.std() == pytest.approx(ramp.std() / 2, abs=0.5)
    assert softer.mean() == pytest.approx(ramp.mean(), abs=0.5)
    assert darker == pytest.approx(np.rint(255 * (ramp / 255) ** 2), abs=1)
    grey = np.full((64, 64, 3), 100, np.uint8)
    deviations = [augmented(grey, Policy(noise=0.1), key).std() for key in range(50)]
    assert max(deviations) == pytest.approx(25.5, rel=0.1)
    cut = augmented(grey, Policy(cutout=0.25), 0)
    assert (cut[:, :, 0] != 100).sum() == 16 * 16


def test_elastic_moves_pixels_no_further_than_its_share_and_smoothly() -> None:
    columns = np.repeat(np.arange(64, dtype=np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    inside = augmented(columns, Policy(elastic=0.05), 2)[8:-8, 8:-8, 0].astype(float)
    moved = inside - columns[8:-8, 8:-8, 0]
    assert 1 < np.abs(moved).max() < 2 * 0.05 * 64
    assert np.abs(np.diff(moved, axis=0)).max() <= 1
