from __future__ import annotations

import numpy as np
import pytest

from medcnn.train.mixing import Mixing

IMAGES = np.stack([np.full((8, 8, 3), 20 * index, np.uint8) for index in range(10)])
LABELS = np.arange(10) % 3
WEIGHTS = np.linspace(1, 2, 10, dtype=np.float32)


def applied(mixing: Mixing, inputs: np.ndarray = IMAGES, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return mixing.apply(inputs, LABELS, WEIGHTS, np.random.default_rng(seed))


def test_smoothing_spreads_its_share_over_all_classes() -> None:
    inputs, shares, weights = applied(Mixing(3, smoothing=0.3))
    assert inputs is IMAGES
    assert shares[0] == pytest.approx([0.8, 0.1, 0.1])
    assert np.array_equal(weights, WEIGHTS)


@pytest.mark.parametrize("mixing", [Mixing(3, mixup=0.5), Mixing(3, cutmix=1.0), Mixing(3, 0.1, 0.5, 1.0)])
def test_an_image_is_shared_between_classes_as_its_pixels_are(mixing: Mixing) -> None:
    for seed in range(20):
        inputs, shares, weights = applied(mixing, seed=seed)
        assert (inputs.dtype, shares.dtype, weights.dtype) == (np.uint8, np.float32, np.float32)
        assert shares.sum(axis=1) == pytest.approx(1)
        # Each image is as grey as ten times its weight: mixed pixels and mixed weights say the same share.
        expected = (weights - 1) * 9 * 20
        assert inputs.mean(axis=(1, 2, 3)) == pytest.approx(expected, abs=0.6)


def test_features_are_mixed_without_rounding() -> None:
    inputs, _, _ = applied(Mixing(3, mixup=0.5), np.random.default_rng(1).normal(size=(10, 4)).astype(np.float32))
    assert inputs.dtype == np.float32
    assert not np.array_equal(inputs, np.rint(inputs))


def test_the_images_themselves_stay_as_they_are() -> None:
    before = IMAGES.copy()
    applied(Mixing(3, cutmix=1.0), seed=3)
    assert np.array_equal(IMAGES, before)
