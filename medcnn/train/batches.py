"""Training batches in an order, and with augmentation, that depend on seed, epoch and image alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from medcnn.core import seeding
from medcnn.dataset.augment import augmented
from medcnn.dataset.shards import Rows
from medcnn.params.shared.policies import Policy
from medcnn.runtime.threads import in_order
from medcnn.train.mixing import Mixing

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Inputs, labels int64 (B,) or shares of the classes float32 (B, C), sample weights float32 (B,).

Of K findings labels and weights are (B, K).
"""


class Inputs(Protocol):
    """The inputs of a network: ``take`` gives the rows of some training images in one epoch."""

    def take(self, epoch: int, positions: np.ndarray) -> np.ndarray:
        """Rows (len(positions), ...) for positions among the training images."""


@dataclass(frozen=True)
class Pixels:
    """Images for a network that is trained through; augmented on the fly where a policy is given."""

    images: Rows
    indices: Sequence[int]
    ids: Sequence[str]
    policy: Policy | None
    seed: int

    def take(self, epoch: int, positions: np.ndarray) -> np.ndarray:
        """Images uint8 (B, S, S, 3)."""
        return np.stack([self._image(epoch, int(position)) for position in positions])

    def _image(self, epoch: int, position: int) -> np.ndarray:
        image: np.ndarray = self.images[self.indices[position]]
        if self.policy is None:
            return image
        return augmented(image, self.policy, self.seed, "epoch", epoch, self.ids[position])


@dataclass(frozen=True)
class Features:
    """Features of a frozen backbone: an epoch sees one view of each image, drawn among the original and its views.

    Attributes:
        originals: of the N training images, float32 (N, F).
        views: of K views of each, float32 (K, N, F); None where there are none.
        seed: of the draw.
    """

    originals: Rows
    views: Rows | None
    seed: int

    def all(self) -> np.ndarray:
        """The features of the originals, then those of each view: float32 (N + K * N, F)."""
        views = [] if self.views is None else [self.views[number] for number in range(len(self.views))]
        return np.concatenate([self.originals[np.arange(len(self.originals))], *views])

    def take(self, epoch: int, positions: np.ndarray) -> np.ndarray:
        """Features float32 (B, F)."""
        if self.views is None:
            rows: np.ndarray = self.originals[positions]
            return rows
        view = _views(self.seed, epoch, *self.views.shape[:2])[positions]
        rows = np.empty((len(positions), *self.originals.shape[1:]), self.originals.dtype)
        rows[view == 0] = self.originals[positions[view == 0]]
        rows[view > 0] = self.views[view[view > 0] - 1, positions[view > 0]]
        return rows


@dataclass(frozen=True)
class Batches:
    """Shuffled batches of the training images, epoch after epoch; the same ones whatever the number of threads.

    Attributes:
        inputs: of the N images.
        labels: (N,), of findings (N, K).
        sample_weights: of the shape of ``labels``.
        batch_size: of all batches but the last of an epoch.
        seed: of the order.
        threads: that make batches.
        balanced: whether an epoch shows as many images of each class.
        mixing: how labels are softened and images mixed.
        taught: shares of the classes, float32 (N, C), that are learnt in place of the labels.
    """

    inputs: Inputs
    labels: np.ndarray
    sample_weights: np.ndarray
    batch_size: int
    seed: int
    threads: int = 1
    balanced: bool = False
    mixing: Mixing | None = None
    taught: np.ndarray | None = None

    @property
    def per_epoch(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.labels) // self.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch, the next ones made while the network works on this one; the last may be smaller."""
        order = self._order(seeding.derived(self.seed, "order", number))
        truth = self.labels if self.taught is None else self.taught

        def batch(start: int) -> Batch:
            chosen = order[start : start + self.batch_size]
            found = self.inputs.take(number, chosen), truth[chosen], self.sample_weights[chosen]
            return self.mixing.apply(*found, seeding.derived(self.seed, "mix", number, start)) if self.mixing else found

        return in_order(batch, range(0, len(order), self.batch_size), self.threads)

    def _order(self, rng: np.random.Generator) -> np.ndarray:
        """Every image once, or, where classes are balanced, as many of each, those of rare ones repeated."""
        count = len(self.labels)
        if not self.balanced:
            return rng.permutation(count)
        classes = [rng.permutation(np.flatnonzero(self.labels == label)) for label in np.unique(self.labels)]
        equal = np.concatenate([np.resize(members, -(-count // len(classes))) for members in classes])
        return rng.permutation(equal)[:count]


@dataclass(frozen=True)
class Validation:
    """The images that a network is measured on, in batches that are the same in every epoch."""

    everything: Rows
    labels: np.ndarray
    indices: Sequence[int]
    batch_size: int

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self.indices), self.batch_size):
            chosen = self.indices[start : start + self.batch_size]
            labels = self.labels[chosen]
            yield self.everything[chosen], labels, np.ones(labels.shape, np.float32)


def balanced(labels: np.ndarray, classes: int) -> np.ndarray:
    """Weights of the classes, float32 (C,), that give each the same total over ``labels``; their mean is 1 there.

    They are scikit-learn's ``compute_class_weight("balanced")``; a class without labels counts as if it had one. Of K
    findings they are (K, 2): each gives its absence and its presence the same total.
    """
    if labels.ndim == 2:
        return np.stack([balanced(finding, 2) for finding in labels.T])
    counts = np.bincount(labels, minlength=classes)
    weights: np.ndarray = len(labels) / (classes * np.maximum(counts, 1))
    return weights.astype(np.float32)


def of_truth(weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The weights of ``balanced`` that the truth has, float32, shaped like ``labels``."""
    if labels.ndim == 1:
        found: np.ndarray = weights[labels]
        return found
    return np.stack([of_one[finding] for of_one, finding in zip(weights, labels.T, strict=True)], axis=1)


@lru_cache(maxsize=1)
def _views(seed: int, epoch: int, views: int, images: int) -> np.ndarray:
    """Which view of each image an epoch sees, (images,): 0 is the original."""
    return seeding.derived(seed, "view", epoch).integers(1 + views, size=images)
