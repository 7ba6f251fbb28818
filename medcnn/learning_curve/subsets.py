"""Ever larger parts of the training patients: whole groups, each part within the next, each with about all classes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from medcnn.core import seeding

SHARES = (0.1, 0.2, 0.4, 0.7)
"""Of the training groups, beside all of them."""
DRAWS = 3
"""How often they are drawn."""


def ordered(rows: pd.DataFrame, seed: int, draw: int) -> list[str]:
    """The training groups in an order of which every beginning has about the classes of the whole.

    Args:
        rows: used rows of the manifest, with label, group and split.
        seed: decides the order, with the draw.
        draw: its number.
    """
    training = rows[rows["split"] == "train"]
    labels = training.groupby("group", sort=True)["label"].agg(lambda of_group: of_group.value_counts().index[0])
    rng = seeding.derived(seed, "learning_curve", draw)
    labels = labels.iloc[rng.permutation(len(labels))]
    place = labels.groupby(labels).cumcount() + rng.random(len(labels))
    key = place / labels.map(labels.value_counts())
    return [str(name) for name in key.sort_values(kind="stable").index]


def parts(rows: pd.DataFrame, order: Sequence[str]) -> Iterator[tuple[float, frozenset[str]]]:
    """Every share with the groups that it leaves out; shares in which a class would be missing are skipped."""
    training = rows[rows["split"] == "train"]
    classes = training["label"].nunique()
    for share in SHARES:
        left_out = frozenset(order[math.ceil(share * len(order)) :])
        if training.loc[~training["group"].isin(left_out), "label"].nunique() == classes:
            yield share, left_out
