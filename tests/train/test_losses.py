from __future__ import annotations

import numpy as np
import pytest

from medcnn.train.batches import balanced, of_truth
from tests.lazy import lazy

keras = lazy("keras")
losses = lazy("medcnn.train.losses")
tf = lazy("tensorflow")

LABELS = np.array([0, 2, 1, 1, 0])
ALPHA = np.array([0.5, 1.0, 2.0], np.float32)


def probabilities(units: int) -> tf.Tensor:
    logits = np.random.default_rng(0).normal(size=(5, units)).astype(np.float32)
    return tf.constant(1 / (1 + np.exp(-logits)) if units == 1 else np.exp(logits) / np.exp(logits).sum(1)[:, None])


def test_cross_entropy_is_that_of_keras_for_both_kinds_of_output() -> None:
    single, several = probabilities(1), probabilities(3)
    binary = keras.losses.BinaryCrossentropy(reduction=None)((LABELS == 1)[:, None].astype("float32"), single)
    own = losses.cross_entropy(tf.constant((LABELS == 1).astype(int)), single)
    assert own.numpy() == pytest.approx(binary.numpy())
    sparse = keras.losses.SparseCategoricalCrossentropy(reduction=None)(LABELS, several)
    assert losses.cross_entropy(tf.constant(LABELS), several).numpy() == pytest.approx(sparse.numpy())


def test_focal_loss_is_that_of_keras_with_class_weights_as_alpha() -> None:
    outputs = probabilities(3)
    published = keras.losses.CategoricalFocalCrossentropy(alpha=ALPHA.tolist(), gamma=2.0, reduction=None)
    expected = published(keras.ops.one_hot(LABELS, 3), outputs)
    assert losses.focal(ALPHA)(tf.constant(LABELS), outputs).numpy() == pytest.approx(expected.numpy(), rel=1e-5)


def test_focal_loss_of_one_sigmoid_unit_is_that_of_keras() -> None:
    outputs, labels = probabilities(1), (LABELS == 1).astype(int)
    published = keras.losses.BinaryFocalCrossentropy(True, alpha=0.75, gamma=2.0, reduction=None)
    expected = published(labels[:, None].astype("float32"), outputs)
    assert losses.focal(np.array([0.25, 0.75], np.float32))(tf.constant(labels), outputs).numpy() == pytest.approx(
        expected.numpy(), rel=1e-5
    )


def test_losses_of_findings_are_those_of_keras_for_each() -> None:
    random = np.random.default_rng(1)
    truth, outputs = random.integers(2, size=(6, 3)), random.random((6, 3)).astype(np.float32)
    alpha = np.array([[0.25, 0.75], [0.4, 0.6], [0.5, 0.5]], np.float32)
    plain = losses.binary_cross_entropy(tf.constant(truth), tf.constant(outputs)).numpy()
    focal = losses.focal_of_findings(alpha)(tf.constant(truth), tf.constant(outputs)).numpy()
    for k in range(3):
        one = truth[:, k : k + 1].astype("float32"), outputs[:, k : k + 1]
        assert plain[:, k] == pytest.approx(keras.losses.BinaryCrossentropy(reduction=None)(*one).numpy())
        published = keras.losses.BinaryFocalCrossentropy(True, alpha=float(alpha[k, 1]), gamma=2.0, reduction=None)
        assert focal[:, k] == pytest.approx(published(*one).numpy(), rel=1e-5)


def test_class_weights_of_findings_give_absence_and_presence_the_same_total() -> None:
    truth = np.array([[1, 0], [0, 0], [0, 1], [0, 1]])
    weights = of_truth(balanced(truth, 2), truth)
    for finding, weight in zip(truth.T, weights.T, strict=True):
        assert weight[finding == 1].sum() == pytest.approx(weight[finding == 0].sum())
        assert weight.mean() == pytest.approx(1)
