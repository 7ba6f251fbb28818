"""Training batches in an order, and with augmentation, that depend on seed, epoch and image alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from medcnn import seeding
from medcnn.images.augment import augmented
from medcnn.params.studies import Policy

Batch = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Inputs, labels int64 (B,), sample weights float32 (B,)."""


class Inputs(Protocol):
    """What a network is fed: ``take`` gives the rows of some training images in one epoch."""

    def take(self, epoch: int, positions: np.ndarray) -> np.ndarray:
        """Rows (len(positions), ...) for positions among the training images."""


@dataclass(frozen=True)
class Pixels:
    """Images for a network that is trained through; augmented on the fly where a policy is given."""

    images: np.ndarray
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
    """Features of a frozen backbone: an epoch sees one view of each image, drawn among the original and its views."""

    originals: np.ndarray
    views: np.ndarray
    seed: int

    def take(self, epoch: int, positions: np.ndarray) -> np.ndarray:
        """Features float32 (B, F)."""
        choice = seeding.derived(self.seed, "view", epoch).integers(1 + len(self.views), size=len(self.originals))
        rows = [
            self.originals[position] if choice[position] == 0 else self.views[choice[position] - 1, position]
            for position in positions
        ]
        return np.stack(rows)


@dataclass(frozen=True)
class Batches:
    """Shuffled batches of the training images, epoch after epoch."""

    inputs: Inputs
    labels: np.ndarray
    sample_weights: np.ndarray
    batch_size: int
    seed: int

    @property
    def per_epoch(self) -> int:
        """Batches in an epoch."""
        return -(-len(self.labels) // self.batch_size)

    def epoch(self, number: int) -> Iterator[Batch]:
        """The batches of one epoch; the last may be smaller."""
        order = seeding.derived(self.seed, "order", number).permutation(len(self.labels))
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            yield self.inputs.take(number, chosen), self.labels[chosen], self.sample_weights[chosen]


@dataclass(frozen=True)
class Part:
    """Some of all images in batches, always the same: a part to measure a network on."""

    everything: np.ndarray
    labels: np.ndarray
    indices: Sequence[int]
    batch_size: int

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self.indices), self.batch_size):
            chosen = self.indices[start : start + self.batch_size]
            yield self.everything[chosen], self.labels[chosen], np.ones(len(chosen), np.float32)


def ahead(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The same batches, the next one made in another thread while the network works on this one."""
    rest = iter(batches)
    with ThreadPoolExecutor(max_workers=1) as worker:
        coming = worker.submit(next, rest, None)
        while (batch := coming.result()) is not None:
            coming = worker.submit(next, rest, None)
            yield batch


def balanced(labels: np.ndarray, classes: int) -> np.ndarray:
    """Weights of the classes, float32 (C,), that give each the same total over ``labels``; their mean is 1 there.

    They are scikit-learn's ``compute_class_weight("balanced")``; a class without labels counts as if it had one.
    """
    counts = np.bincount(labels, minlength=classes)
    weights: np.ndarray = len(labels) / (classes * np.maximum(counts, 1))
    return weights.astype(np.float32)
