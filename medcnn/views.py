"""Augmented views of images, made once for networks whose backbone is frozen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from joblib import Parallel, delayed

from medcnn.images import pack
from medcnn.images.augment import augmented
from medcnn.params.studies import Policy

_CHUNK = 128
Item = TypeVar("Item")


@dataclass(frozen=True)
class Recipe:
    """How the views are drawn: by which policy, how many of each image, and from which seed."""

    policy: Policy
    count: int
    seed: int


def write(path: Path, recipe: Recipe, images: np.ndarray, chosen: Sequence[tuple[int, str]]) -> None:
    """Write views as uint8 (K, N, S, S, 3); those of an image are the same whatever else is chosen.

    Args:
        path: the ``.npy`` file.
        recipe: how to draw.
        images: uint8 (M, S, S, 3).
        chosen: N pairs of an index into ``images`` and the name of that image.
    """

    def view(item: tuple[int, tuple[int, str]]) -> np.ndarray:
        number, (index, image_id) = item
        return augmented(images[index], recipe.policy, recipe.seed, "view", number, image_id)

    items = [(number, image) for number in range(recipe.count) for image in chosen]
    pack.write(path, (recipe.count, len(chosen), *images.shape[1:]), in_chunks(view, items))


def in_chunks(make: Callable[[Item], np.ndarray], items: Sequence[Item]) -> Iterator[np.ndarray]:
    """Arrays made in parallel (Pillow frees the interpreter lock), stacked a chunk at a time, in order."""
    with Parallel(n_jobs=-1, backend="threading") as parallel:
        for start in range(0, len(items), _CHUNK):
            yield np.stack(parallel(delayed(make)(item) for item in items[start : start + _CHUNK]))
