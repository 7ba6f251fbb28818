from __future__ import annotations

import numpy as np

from medcnn.core import files
from medcnn.dataset.part import Part
from medcnn.params.shared.policies import Policy
from medcnn.stress.degrade import STRENGTHS
from medcnn.stress.stressing import VIEWS, stressed

SIZE = 16
MIRROR = Policy(flip="horizontal", rotation=0, shift=0, shear=0, zoom=0, brightness=(1.0, 1.0))
RIGHT_HALF = 255 * (np.arange(SIZE) >= SIZE // 2).astype(np.uint8)


def halves() -> Part:
    """20 test images of two classes, bright on the left or on the right, among as many others."""
    images = np.zeros((40, SIZE, SIZE, 3), np.uint8)
    labels = np.arange(20) % 2
    for index, label in zip(range(0, 40, 2), labels, strict=True):
        images[index] = (RIGHT_HALF if label else RIGHT_HALF[::-1])[:, None]
    names = tuple(f"image{number}" for number in range(20))
    return Part(("left", "right"), names, labels, names, images, np.arange(0, 40, 2))


def brighter_right(images: np.ndarray) -> np.ndarray:
    """The probability of the second class, (N, 1): how much of the light is on the right."""
    light = images.astype(float).sum(axis=(1, 3)) + 1e-3
    return (light[:, SIZE // 2 :].sum(axis=1) / light.sum(axis=1))[:, None]


def over_two_classes(images: np.ndarray) -> np.ndarray:
    outputs = brighter_right(images)
    return np.hstack([1 - outputs, outputs])


def test_every_kind_has_five_strengths_each_with_an_accuracy_in_its_interval() -> None:
    found = files.rounded(stressed(halves(), brighter_right, MIRROR, 42, 0.95))
    assert found["images"] == 20
    assert found["clean"]["accuracy"] == 1
    assert {kind: tuple(point["strength"] for point in points) for kind, points in found["degraded"].items()} == (
        STRENGTHS
    )
    for point in (found["clean"], found["augmented"], *(p for points in found["degraded"].values() for p in points)):
        assert 0 <= point["accuracy_low"] <= point["accuracy"] <= point["accuracy_high"] <= 1
        assert point["accuracy_low"] < point["accuracy_high"]
    # Halves stay what they are in all but the views that are mirrored.
    assert all(point["accuracy"] == 1 for points in found["degraded"].values() for point in points)


def test_an_output_of_one_unit_means_what_two_classes_mean() -> None:
    one, two = (stressed(halves(), predict, MIRROR, 42, 0.95) for predict in (brighter_right, over_two_classes))
    assert one == two


def test_a_model_that_needs_faint_contrast_fails_without_it_and_keeps_the_order_of_images() -> None:
    def needs_contrast(images: np.ndarray) -> np.ndarray:
        outputs = brighter_right(images)
        return np.where(np.ptp(images.astype(int), axis=(1, 2, 3))[:, None] > 60, outputs, 0)

    points = stressed(halves(), needs_contrast, MIRROR, 42, 0.95)["degraded"]["contrast"]
    assert [point["accuracy"] for point in points] == [1, 1, 0.5, 0.5, 0.5]


def test_augmented_accuracy_is_that_of_the_mean_over_the_image_and_its_views() -> None:
    seen: list[np.ndarray] = []

    def remembering(images: np.ndarray) -> np.ndarray:
        seen.append(brighter_right(images))
        return seen[-1]

    test = halves()
    found = stressed(test, remembering, MIRROR, 42, 0.95)
    averaged = np.mean(seen[: 1 + VIEWS], axis=0)[:, 0]
    assert found["augmented"]["accuracy"] == ((averaged > 0.5) == test.labels).mean()
    # A mirrored half belongs to the other class: some of the views are, and some are not.
    assert 0 < np.abs(averaged - seen[0][:, 0]).max() < 1


def test_everything_depends_on_the_seed_alone() -> None:
    def coarse(images: np.ndarray) -> np.ndarray:
        return (images[:, 3, 3, :1] > 100).astype(float)

    first, again, other = (stressed(halves(), coarse, MIRROR, seed, 0.95) for seed in (42, 42, 43))
    assert first == again
    assert first["degraded"]["noise"] != other["degraded"]["noise"]
    assert first["degraded"]["blur"] == other["degraded"]["blur"]
