from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medcnn.params.shared.models import Model
from tests.lazy import lazy
from tests.networks.blocks import built, pixels, settings

keras = lazy("keras")
learning = lazy("medcnn.train.learning")
losses = lazy("medcnn.train.losses")

IMAGES = pixels(8, 12).astype(np.uint8)
LABELS = np.arange(8) % 3
BATCH = (IMAGES, LABELS, np.ones(8, np.float32))


def block(**changes: Any) -> Model:
    return settings("tiny", dense=(6,), optimizer="sgd", **changes)


def learner(model: Model) -> learning.Learner:
    keras.utils.set_random_seed(0)
    return learning.Learner(built(model, 12, 3), model, losses.cross_entropy, IMAGES.dtype)


def moved(one: learning.Learner, rate: float = 0.1) -> list[np.ndarray]:
    """By how much a step changes each weight."""
    before = one.network.get_weights()
    one.learn([BATCH], [rate])
    return [after - weight for after, weight in zip(one.network.get_weights(), before, strict=True)]


def test_the_average_of_the_weights_is_measured_and_the_weights_go_on() -> None:
    plain, followed = learner(block()), learner(block(ema=0.5))
    weights = [plain.network.get_weights()]
    for _ in range(3):
        for each in (plain, followed):
            each.learn([BATCH], [0.1])
        weights.append(plain.network.get_weights())
    assert all(np.array_equal(*pair) for pair in zip(followed.network.get_weights(), weights[-1], strict=True))
    average = weights[0]
    for step, current in enumerate(weights[1:], start=1):
        kept = min(0.5, (1 + step) / (10 + step))
        average = [kept * old + (1 - kept) * new for old, new in zip(average, current, strict=True)]
    with followed.averaged():
        for found, expected in zip(followed.network.get_weights(), average, strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-6)
    assert all(np.array_equal(*pair) for pair in zip(followed.network.get_weights(), weights[-1], strict=True))
    assert len(followed.state) == len(plain.state) + len(weights[0])


def test_layers_with_larger_maps_learn_more_slowly_and_the_head_as_before() -> None:
    plain, decayed = learner(block()), learner(block(layer_decay=0.5))
    names = [weight.path for weight in plain.network.weights]
    ratios = {
        name: float(np.abs(slow).sum() / np.abs(fast).sum())
        for name, slow, fast in zip(names, moved(decayed), moved(plain), strict=True)
    }
    by_layer = {name.split("/")[-2]: ratio for name, ratio in ratios.items()}
    expected = {"conv1": 0.25, "conv2": 0.5, "dense1": 1, "probabilities": 1}
    assert by_layer == pytest.approx(expected, rel=1e-4)


def test_weight_decay_shrinks_kernels_and_spares_biases() -> None:
    plain, decayed = learner(block()), learner(block(weight_decay=0.1))
    start = plain.network.get_weights()
    for weight, fast, slow in zip(start, moved(plain), moved(decayed), strict=True):
        shrunk = -0.1 * 0.1 * weight if weight.ndim > 1 else 0 * weight
        np.testing.assert_allclose(slow - fast, shrunk, atol=1e-5)


def test_gradients_are_no_longer_than_the_clip_norm() -> None:
    steps = moved(learner(block(clip_norm=0.01)), rate=1.0)
    assert np.sqrt(sum((step**2).sum() for step in steps)) == pytest.approx(0.01, rel=1e-3)


def test_shared_labels_are_learnt_as_the_mean_of_the_losses_of_their_classes() -> None:
    shares = np.array([[0.7, 0.3, 0], [0, 1, 0]], np.float32)
    outputs = np.array([[0.2, 0.5, 0.3], [0.1, 0.8, 0.1]], np.float32)
    found = losses.of_shares(losses.cross_entropy, 3)(shares, outputs)
    assert np.asarray(found) == pytest.approx(-(shares * np.log(outputs)).sum(axis=1))
    single = losses.of_shares(losses.cross_entropy, 2)(
        np.array([[0.25, 0.75]], np.float32), np.array([[0.6]], np.float32)
    )
    assert np.asarray(single) == pytest.approx([-0.25 * np.log(0.4) - 0.75 * np.log(0.6)])


def test_auroc_is_measured_where_it_is_watched() -> None:
    one = learner(block(monitor="auroc"))
    assert 0 <= one.measure([BATCH]).auroc <= 1


def test_batch_normalisation_keeps_its_statistics_where_it_is_frozen() -> None:
    model = settings("lite0", frozen_norm=True, optimizer="sgd")
    one = learning.Learner(built(model, 32, 3), model, losses.cross_entropy, IMAGES.dtype)
    before = {weight.path: np.asarray(weight) for weight in one.network.weights}
    one.learn([(pixels(4, 32).astype(np.uint8), LABELS[:4], np.ones(4, np.float32))], [0.1])
    changed = {path for path, weight in before.items() if not np.array_equal(weight, _now(one, path))}
    assert changed and not any("_bn/" in path for path in changed)


def _now(one: learning.Learner, path: str) -> np.ndarray:
    return next(np.asarray(weight) for weight in one.network.weights if weight.path == path)
