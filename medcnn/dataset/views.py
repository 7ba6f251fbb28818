"""Augmented views of images, made once for networks whose backbone is frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medcnn.dataset import pack
from medcnn.dataset.augment import augmented
from medcnn.dataset.shards import Shard
from medcnn.params.policies import Policy
from medcnn.params.whole import Compute
from medcnn.runtime import fanout
from medcnn.runtime.threads import in_order


@dataclass(frozen=True)
class Recipe:
    """How the views are drawn: by which policy, how many of each image, and from which seed."""

    policy: Policy
    count: int
    seed: int


@dataclass(frozen=True)
class _Task:
    """The views of a shard: of each its number, and the position and the name of the image that it is of."""

    shard: Shard
    items: Sequence[tuple[int, int, str]]
    images: Path
    recipe: Recipe
    threads: int


def write(folder: Path, recipe: Recipe, images: Path, chosen: Sequence[tuple[int, str]], compute: Compute) -> None:
    """Write views as uint8 (K, N, S, S, 3); those of an image are the same whatever else is chosen.

    Args:
        folder: where they are written.
        recipe: how to draw.
        images: the folder of the prepared images.
        chosen: N pairs of a position among the images and the name of that image.
        compute: where the work is done.
    """
    items = [(number, position, image_id) for number in range(recipe.count) for position, image_id in chosen]
    shape = (recipe.count, len(chosen), *pack.images(images).shape[1:])
    with pack.writing(folder, pack.VIEWS, shape) as parts:
        tasks = [_Task(shard, items[rows], images, recipe, compute.cpus_per_task) for shard, rows in parts]
        list(fanout.each(_write, tasks, compute))


def _write(task: _Task) -> None:
    images, recipe = pack.images(task.images), task.recipe

    def view(item: tuple[int, int, str]) -> np.ndarray:
        number, position, image_id = item
        return augmented(images[position], recipe.policy, recipe.seed, "view", number, image_id)

    pack.write(task.shard, in_order(view, task.items, task.threads))
