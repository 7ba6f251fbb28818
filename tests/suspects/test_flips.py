"""On answers whose truth is known: how many labels are flipped, and which."""

from __future__ import annotations

import numpy as np
import pytest

from medcnn.suspects import flips


def answered(flipped: float, classes: int, seed: int, images: int = 800) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities that are too sure by half, and which labels are wrong."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet([0.25] * classes, images)
    truth = np.array([rng.choice(classes, p=row) for row in probabilities])
    wrong = rng.random(images) < flipped
    labels = np.where(wrong, (truth + rng.integers(1, classes, images)) % classes, truth)
    sharp = probabilities**1.5
    return labels, sharp / sharp.sum(axis=1, keepdims=True), wrong


@pytest.mark.parametrize(("flipped", "classes"), [(0.0, 2), (0.05, 2), (0.1, 4), (0.2, 3)])
def test_the_share_and_each_chance_are_those_of_the_draw(flipped: float, classes: int) -> None:
    labels, probabilities, wrong = answered(flipped, classes, seed=classes)
    found = flips.fitted(labels, probabilities, 0.95)
    assert found.low <= flipped <= found.high and abs(found.share - flipped) < 0.05
    assert found.temperature == pytest.approx(1.5, rel=0.25)
    chances = flips.wrong(labels, probabilities, found)
    assert chances.sum() == pytest.approx(wrong.sum(), abs=0.05 * len(labels))
    if flipped:
        likely = chances >= 0.5
        assert wrong[likely].mean() == pytest.approx(chances[likely].mean(), abs=0.15)


def test_sure_answers_and_few_images_are_no_fault() -> None:
    found = flips.fitted(np.array([0, 1, 1]), np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]), 0.95)
    assert 0 <= found.low <= found.share <= found.high
    assert flips.wrong(np.array([1]), np.array([[1.0, 0.0]]), found)[0] > 0.5
    nothing = flips.fitted(np.array([], int), np.empty((0, 2)), 0.95)
    assert (nothing.share, nothing.low, nothing.high) == (0.0, 0.0, 0.5)
