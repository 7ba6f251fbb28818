"""Training batches in an order, and with augmentation, that depend on seed, epoch and image alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from medcnn import seeding
from medcnn.images.augment import augmented
from medcnn.params import Policy


class Inputs(Protocol):
    """What a network is fed: ``take`` gives the float32 rows of some training images in one epoch."""

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
        """Images float32 (B, S, S, 3), 0..255."""
        return np.stack([self._image(epoch, int(position)) for position in positions]).astype(np.float32)

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
        return np.stack(rows).astype(np.float32)


@dataclass(frozen=True)
class Batches:
    """Shuffled batches (inputs, targets, sample weights), epoch after epoch."""

    inputs: Inputs
    targets: np.ndarray
    sample_weights: np.ndarray
    batch_size: int
    seed: int

    @property
    def per_epoch(self) -> int:
        """Batches in an epoch; the last may be smaller."""
        return -(-len(self.targets) // self.batch_size)

    def epoch(self, number: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """The batches of one epoch."""
        order = seeding.derived(self.seed, "order", number).permutation(len(self.targets))
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            yield self.inputs.take(number, chosen), self.targets[chosen], self.sample_weights[chosen]

    def since(self, first: int, last: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """The batches of the epochs ``first`` to ``last - 1``."""
        for number in range(first, last):
            yield from self.epoch(number)


def balanced(labels: np.ndarray, classes: int) -> np.ndarray:
    """Sample weights that give every class the same total, with mean 1 (scikit-learn's ``balanced``)."""
    counts = np.bincount(labels, minlength=classes)
    weights: np.ndarray = (len(labels) / (classes * np.maximum(counts, 1)))[labels]
    return weights.astype(np.float32)
