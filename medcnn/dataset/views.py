"""Augmented views of images, made once for networks whose backbone is frozen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medcnn.dataset import pack
from medcnn.dataset.augment import augmented
from medcnn.dataset.shards import Shard
from medcnn.params.shared.policies import Policy
from medcnn.runtime import fanout
from medcnn.runtime.fanout import Placement
from medcnn.runtime.threads import in_order


@dataclass(frozen=True)
class Recipe:
    """How the views are drawn: by which policy, how many of each image, and from which seed."""

    policy: Policy
    count: int
    seed: int


@dataclass(frozen=True)
class _Task:
    """The views of a shard: the number of each, and the position and the name of its image."""

    shard: Shard
    numbers: Sequence[int]
    positions: Sequence[int]
    image_ids: Sequence[str]
    images: Path
    recipe: Recipe
    threads: int


def write(
    folder: Path,
    recipe: Recipe,
    images: Path,
    positions: Sequence[int],
    image_ids: Sequence[str],
    compute: Placement,
) -> None:
    """Write views as uint8 (K, N, S, S, 3); those of an image are the same whatever else is chosen.

    Args:
        folder: where they are written.
        recipe: how to draw.
        images: the folder of the prepared images.
        positions: of the N images among the prepared ones.
        image_ids: the ids of these N.
        compute: where the work is done.
    """
    count = len(positions)
    shape = (recipe.count, count, *pack.images(images).shape[1:])
    with pack.writing(folder, pack.VIEWS, shape) as parts:
        tasks = []
        for shard, rows in parts:
            numbers, places = np.divmod(np.arange(rows.start, rows.start + shard.shape[0]), count)
            chosen = [positions[place] for place in places]
            names = [image_ids[place] for place in places]
            tasks.append(_Task(shard, numbers.tolist(), chosen, names, images, recipe, compute.cpus_per_task))
        list(fanout.each(_write, tasks, compute))


def _write(task: _Task) -> None:
    images, recipe = pack.images(task.images), task.recipe

    def view(item: tuple[int, int, str]) -> np.ndarray:
        number, position, image_id = item
        return augmented(images[position], recipe.policy, recipe.seed, "view", number, image_id)

    items = zip(task.numbers, task.positions, task.image_ids, strict=True)
    pack.write(task.shard, in_order(view, items, task.threads))
