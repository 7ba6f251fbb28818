from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from medcnn.batches import Batches, Features, Pixels, balanced
from medcnn.params import Policy

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
TRAINING = [0, 2, 4, 6, 8]


def pixels(policy: Policy | None, seed: int = 1) -> Pixels:
    return Pixels(IMAGES, TRAINING, [f"id{index}" for index in TRAINING], policy, seed)


def batches(seed: int = 1) -> Batches:
    return Batches(pixels(None), np.arange(5), np.ones(5, np.float32), 2, seed)


def test_an_epoch_shows_every_training_image_once_beside_its_own_target() -> None:
    seen = list(batches().epoch(0))
    assert [len(targets) for _, targets, _ in seen] == [2, 2, 1]
    assert batches().per_epoch == 3
    targets = np.concatenate([part for _, part, _ in seen])
    assert sorted(targets) == [0, 1, 2, 3, 4]
    for inputs, chosen, _ in seen:
        assert np.array_equal(inputs, IMAGES[[TRAINING[target] for target in chosen]].astype(np.float32))


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return [int(target) for _, targets, _ in batches(seed).epoch(epoch) for target in targets]

    orders = [order(1, epoch) for epoch in range(6)]
    assert orders == [order(1, epoch) for epoch in range(6)]
    assert any(one != other for one, other in pairwise(orders))
    assert orders != [order(2, epoch) for epoch in range(6)]


def test_starting_at_a_later_epoch_gives_what_the_whole_stream_gives_there() -> None:
    whole = [targets.tolist() for _, targets, _ in batches().since(0, 5)]
    assert [targets.tolist() for _, targets, _ in batches().since(2, 5)] == whole[6:]


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
    assert balanced(labels, 3) == pytest.approx(compute_sample_weight("balanced", labels))
