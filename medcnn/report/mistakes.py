"""Which groups the chosen model's errors on test belong to: an interval is as wide as they are uneven."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from medcnn.core.arrays import Truths
from medcnn.dataset import manifest, predictions
from medcnn.measures.metrics import right
from medcnn.runtime import paths


@dataclass(frozen=True)
class Group:
    """The test images of one group, and how many of them are read wrongly."""

    name: str
    images: int
    errors: int


@dataclass(frozen=True)
class Mistakes:
    """The errors on test.

    Attributes:
        groups: of the test images, those with most errors first.
        copied: errors on images of which test holds an exact copy, so that one picture counts more than once.
        mixed: groups with images of several classes.
    """

    groups: tuple[Group, ...]
    copied: int
    mixed: int

    @property
    def errors(self) -> int:
        """How many there are."""
        return sum(group.errors for group in self.groups)

    @property
    def wrong(self) -> tuple[Group, ...]:
        """The groups that have any."""
        return tuple(group for group in self.groups if group.errors)

    @property
    def gathered(self) -> bool:
        """Whether most errors, of several, are of one group."""
        return self.errors > 1 and 2 * self.groups[0].errors > self.errors


def mistakes(study: str, model: str) -> Mistakes | None:
    """Those of one model; None where its predictions are not there, or test is empty."""
    path = paths.predicted(study, model)
    if not path.exists():
        return None
    test = predictions.read(path).of("test")
    if not len(test):
        return None
    rows = manifest.used(paths.manifest(study), "image_id", "group", "sha256", "label").set_index("image_id")
    rows = rows.loc[test.image_ids]
    return counted(rows, ~right(test.labels, test.probabilities))


def counted(rows: pd.DataFrame, wrong: Truths) -> Mistakes:
    """Errors by group.

    Args:
        rows: group, sha256 and label of N images.
        wrong: (N,) whether each is read wrongly.
    """
    by_group = rows.assign(wrong=wrong).groupby("group", sort=True)
    of_group = by_group["wrong"].agg(["size", "sum"])
    found = [Group(str(name), int(images), int(errors)) for name, images, errors in of_group.itertuples()]
    copied = rows["sha256"].duplicated(keep=False).to_numpy() & np.asarray(wrong)
    mixed = int((by_group["label"].nunique() > 1).sum())
    return Mistakes(tuple(sorted(found, key=lambda group: -group.errors)), int(copied.sum()), mixed)
