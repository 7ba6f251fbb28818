"""What a network is fitted to make small, from labels and probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from keras import ops

GAMMA = 2.0
"""Exponent of the focal loss (Lin et al., ICCV 2017)."""

Loss = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""From labels (B,) and probabilities (B, 1) or (B, C) to the loss of each image (B,); of K findings all are (B, K)."""


def cross_entropy(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of each image, from one sigmoid unit or a softmax."""
    if probabilities.shape[-1] == 1:
        return ops.binary_crossentropy(tf.cast(labels[:, None], tf.float32), probabilities)[:, 0]
    return ops.sparse_categorical_crossentropy(labels, probabilities)


def focal(alpha: np.ndarray) -> Loss:
    """Focal loss: cross-entropy times ``alpha`` of the true class and ``(1 - p) ** GAMMA`` of its probability p."""

    def loss(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
        losses = cross_entropy(labels, probabilities)
        return tf.gather(alpha, labels) * (1 - tf.exp(-losses)) ** GAMMA * losses

    return loss


def of_shares(loss: Loss, classes: int) -> Loss:
    """The same loss of labels that are shared between classes, (B, C): its mean over them, weighted by the shares."""

    def mean(shares: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
        of_one = tf.zeros(tf.shape(shares)[:1], tf.int64)
        losses = [loss(of_one + label, probabilities) for label in range(classes)]
        return tf.reduce_sum(shares * tf.stack(losses, axis=1), axis=1)

    return mean


def binary_cross_entropy(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """Cross-entropy of each finding of each image, from a sigmoid each."""
    of_one = ops.binary_crossentropy(tf.cast(labels, tf.float32)[..., None], probabilities[..., None])
    return of_one[..., 0]


def focal_of_findings(alpha: np.ndarray) -> Loss:
    """``focal`` of each finding of each image, with ``alpha`` (K, 2) of its absence and its presence."""
    absent, present = alpha.T

    def loss(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
        losses = binary_cross_entropy(labels, probabilities)
        return tf.where(labels == 1, present, absent) * (1 - tf.exp(-losses)) ** GAMMA * losses

    return loss
