from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from medcnn.batches import Batch, Batches, Features, Part, Pixels, ahead, balanced
from medcnn.params.studies import Policy

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
TRAINING = [0, 2, 4, 6, 8]


def pixels(policy: Policy | None, seed: int = 1) -> Pixels:
    return Pixels(IMAGES, TRAINING, [f"id{index}" for index in TRAINING], policy, seed)


def batches(seed: int = 1) -> Batches:
    return Batches(pixels(None), np.arange(5), np.ones(5, np.float32), 2, seed)


def test_an_epoch_shows_every_training_image_once_beside_its_own_target() -> None:
    seen = list(batches().epoch(0))
    assert [len(targets) for _, targets, _ in seen] == [2, 2, 1]
    targets = np.concatenate([part for _, part, _ in seen])
    assert sorted(targets) == [0, 1, 2, 3, 4]
    for inputs, chosen, _ in seen:
        assert np.array_equal(inputs, IMAGES[[TRAINING[target] for target in chosen]])


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return [int(target) for _, targets, _ in batches(seed).epoch(epoch) for target in targets]

    orders = [order(1, epoch) for epoch in range(6)]
    assert orders == [order(1, epoch) for epoch in range(6)]
    assert any(one != other for one, other in pairwise(orders))
    assert orders != [order(2, epoch) for epoch in range(6)]


def test_a_part_is_all_of_its_images_in_order_beside_their_labels() -> None:
    inputs, labels, weights = zip(*Part(IMAGES, np.arange(9), [1, 3, 8], batch_size=2), strict=True)
    assert np.array_equal(np.concatenate(inputs), IMAGES[[1, 3, 8]])
    assert np.concatenate(labels).tolist() == [1, 3, 8]
    assert np.concatenate(weights).tolist() == [1, 1, 1]


def test_batches_made_ahead_are_the_same_ones_and_faults_come_through() -> None:
    def failing() -> Iterator[Batch]:
        yield from batches().epoch(0)
        raise OSError("disk gone")

    coming = ahead(failing())
    for one, other in zip(batches().epoch(0), coming, strict=False):
        assert all(np.array_equal(left, right) for left, right in zip(one, other, strict=True))
    with pytest.raises(OSError, match="disk gone"):
        next(coming)


def test_augmentation_changes_with_the_epoch_and_not_with_the_batch() -> None:
    policy = Policy(rotation=20, shift=0.1)
    alone = pixels(policy).take(3, np.array([4]))[0]
    among = pixels(policy).take(3, np.array([1, 4, 0]))[1]
    assert np.array_equal(alone, among)
    assert not np.array_equal(alone, pixels(policy).take(4, np.array([4]))[0])


def test_features_of_originals_and_views_take_turns() -> None:
    originals, views = np.zeros((50, 1), np.float32), np.stack([np.full((50, 1), 1.0), np.full((50, 1), 2.0)])
    drawn = Features(originals, views, seed=1)
    seen = np.concatenate([drawn.take(epoch, np.arange(50))[:, 0] for epoch in range(20)])
    assert np.bincount(seen.astype(int)) / len(seen) == pytest.approx([1 / 3] * 3, abs=0.06)
    assert np.array_equal(drawn.take(3, np.arange(50)), drawn.take(3, np.arange(50)))


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    labels = np.array([0, 0, 0, 0, 1, 2, 2])
    assert balanced(labels, 3) == pytest.approx(compute_class_weight("balanced", classes=np.arange(3), y=labels))
    assert balanced(labels, 4)[labels].mean() == pytest.approx(3 / 4)
