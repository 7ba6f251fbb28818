from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from medcnn.dataset.shards import Rows, Shard, Shards
from medcnn.params.shared.policies import Policy
from medcnn.train.batches import Batches, Features, Pixels, Validation, balanced

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 8, 8, 3), np.uint8)
TRAINING = [0, 2, 4, 6, 8]


def pixels(policy: Policy | None, seed: int = 1, images: Rows = IMAGES) -> Pixels:
    return Pixels(images, TRAINING, [f"id{index}" for index in TRAINING], policy, seed)


def batches(seed: int = 1, policy: Policy | None = None, images: Rows = IMAGES, threads: int = 1) -> Batches:
    return Batches(pixels(policy, seed, images), np.arange(5), np.ones(5, np.float32), 2, seed, threads)


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
    inputs, labels, weights = zip(*Validation(IMAGES, np.arange(9), [1, 3, 8], batch_size=2), strict=True)
    assert np.array_equal(np.concatenate(inputs), IMAGES[[1, 3, 8]])
    assert np.concatenate(labels).tolist() == [1, 3, 8]
    assert np.concatenate(weights).tolist() == [1, 1, 1]


@pytest.mark.parametrize("policy", [None, Policy(rotation=20, shift=0.1)], ids=["as they are", "augmented"])
def test_batches_are_the_same_for_any_number_of_threads_and_shards(policy: Policy | None, tmp_path: Path) -> None:
    for number, part in enumerate(np.split(IMAGES, [4, 8])):
        np.save(tmp_path / f"{number}.npy", part)
    files = [Shard(tmp_path / f"{number}.npy", (rows, 8, 8, 3)) for number, rows in enumerate([4, 4, 1])]
    shards = Shards(files, np.arange(9), (8, 8, 3), np.uint8)
    expected = list(batches(policy=policy).epoch(3))
    for threads in (1, 2, 5):
        found = list(batches(policy=policy, images=shards, threads=threads).epoch(3))
        for one, other in zip(found, expected, strict=True):
            assert all(np.array_equal(left, right) for left, right in zip(one, other, strict=True))


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


def test_without_views_an_epoch_sees_the_originals() -> None:
    originals = np.arange(5, dtype=np.float32)[:, None]
    assert np.array_equal(Features(originals, None, seed=1).take(3, np.array([4, 1])), [[4], [1]])


def test_balanced_weights_are_those_of_scikit_learn() -> None:
    labels = np.array([0, 0, 0, 0, 1, 2, 2])
    assert balanced(labels, 3) == pytest.approx(compute_class_weight("balanced", classes=np.arange(3), y=labels))
    assert balanced(labels, 4)[labels].mean() == pytest.approx(3 / 4)


def test_a_balanced_epoch_has_as_many_of_each_class_and_every_image_of_the_common_ones_once() -> None:
    labels = np.array([0, 0, 0, 1, 0])
    found = Batches(pixels(None), labels, np.ones(5, np.float32), 2, 1, balanced=True)
    for epoch in range(5):
        seen = np.concatenate([part for _, part, _ in found.epoch(epoch)])
        assert len(seen) == 5
        assert sorted(np.bincount(seen)) == [2, 3]
