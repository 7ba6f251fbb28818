"""What leaks from one part of a split into another, and what a careless split would have leaked."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from medcnn.core import seeding
from medcnn.core.errors import MedcnnError

RANDOM_DRAWS = 20


def leaked(keys: npt.ArrayLike, parts: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether each item shares its key with an item of an earlier part; parts are numbered from 0, training."""
    _, keys = np.unique(np.asarray(keys, np.int64), return_inverse=True)
    parts = np.asarray(parts, np.int64)
    earliest = np.full(len(keys), np.iinfo(np.int64).max)
    np.minimum.at(earliest, keys, parts)
    found: npt.NDArray[np.bool_] = earliest[keys] < parts
    return found


def leaked_by_chance(groups: npt.ArrayLike, labels: npt.ArrayLike, held_out: float, seed: int) -> float:
    """Mean share of validation and test images that would share a group with training under a plain random split.

    Args:
        groups: the group of each image.
        labels: the class of each image; the random split is stratified by it.
        held_out: the share of images outside training.
        seed: the root of the draws, of which there are ``RANDOM_DRAWS``.
    """
    rng = seeding.derived(seed, "plain random split")
    draws = (_plain_split(np.asarray(labels), held_out, rng) for _ in range(RANDOM_DRAWS))
    return float(np.mean([leaked(groups, draw).sum() / max(draw.sum(), 1) for draw in draws]))


def check_no_leak(groups: npt.ArrayLike, splits: npt.ArrayLike, names: pd.Series[str]) -> None:
    """Refuse a split in which a group stands on two sides; runs every time, unless the study keeps its leaks.

    Args:
        groups: the group of each image.
        splits: its part, '' where it has none.
        names: what it is called in the message.

    Raises:
        MedcnnError: it names one image of the group on each side.
    """
    table = pd.DataFrame({"group": np.asarray(groups), "split": splits, "place": np.arange(len(names))})
    last = table[table["split"] != ""].drop_duplicates(["group", "split"], keep="last")
    parted = last[last["group"].duplicated(keep=False)]
    if len(parted):
        found = parted[parted["group"] == parted["group"].iloc[0]]
        sides = sorted(zip(found["split"], names.iloc[found["place"]], strict=True))
        where = ", ".join(f"{name} in {split}" for split, name in sides)
        raise MedcnnError(f"leak: images of one patient or duplicates on two sides of the split: {where}")


def _plain_split(labels: np.ndarray, held_out: float, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """The part of each item: 0 is training, 1 is held out."""
    part_of = np.zeros(len(labels), np.int64)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        part_of[members[: round(held_out * len(members))]] = 1
    return part_of
