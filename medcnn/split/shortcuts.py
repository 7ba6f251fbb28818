"""Attributes of image files that give the class away: a network can learn them instead of what the images show.

For each attribute a small regression tree predicts the classes from it alone, for images of folds that the tree did not
see; the test part stays out of it. Folds keep groups together, so that what marks one patient does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from posixpath import splitext

import numpy as np
import pandas as pd

from medcnn.core import tables
from medcnn.core.arrays import Floats
from medcnn.dataset import truths
from medcnn.dataset.doubts import Doubt
from medcnn.dataset.manifest import USED
from medcnn.measures.statistics import areas, intervals
from medcnn.reading.names import unmarked
from medcnn.split import trees

LEAST_AUROC = 0.8
LEAST_LOWER_LIMIT = 0.7
"""What the lower end of the 95 % interval must exceed as well, so that few images give no false alarm."""
LEAST_IMAGES = 10
"""Of each class, for a class to be judged."""
_VALUES = 32
_READ = [
    "path",
    "label",
    "group",
    "fold",
    "width",
    "height",
    "bytes",
    "mode",
    "scanner",
    "border",
    "margin",
    "brightness",
]


@dataclass(frozen=True)
class Shortcut:
    """How well an attribute alone tells one class from all others.

    Attributes:
        attribute: what it is called.
        label: the class that it tells best.
        auroc: of images that the tree did not see.
        low: the lower end of its 95 % interval, groups being independent.
        high: the upper end.
    """

    attribute: str
    label: str
    auroc: float
    low: float
    high: float


def doubted(rows: pd.DataFrame, classes: Sequence[str]) -> Iterator[Doubt]:
    """A warning that names the attributes that tell a class with an AUROC of ``LEAST_AUROC`` or more.

    Args:
        rows: the manifest's rows with what was measured of their pixels, dealt to folds.
        classes: the names of the classes, or of findings.
    """
    images = rows.loc[(rows["status"] == USED) & (rows["split"] != "test"), _READ]
    every = (strongest(attribute, columns, images, classes) for attribute, columns in attributes(images))
    found = [one for one in every if one and one.auroc >= LEAST_AUROC and one.low >= LEAST_LOWER_LIMIT]
    if found:
        alone = "; ".join(
            f"{one.auroc:.2f} ({one.low:.2f} to {one.high:.2f}) by the {one.attribute}, for '{one.label}'"
            for one in found
        )
        text = (
            f"an attribute alone tells a class from others, with an AUROC of {alone}: a network may learn it instead "
            "of the disease; check that all classes were recorded and stored in the same way"
        )
        yield Doubt("warning", "shortcuts", text, len(images), tuple(one.attribute for one in found))


def attributes(images: pd.DataFrame) -> Iterator[tuple[str, Floats]]:
    """Numbers (N, K) that stand for each attribute; an attribute that is the same for all images is left out."""
    width, height = (images[side].to_numpy(np.float64) for side in ("width", "height"))
    size = images["bytes"].to_numpy(np.float64)
    # One after the other, since those of 100,000 images together are large.
    found: dict[str, Callable[[], Floats]] = {
        "size in pixels": lambda: np.stack([width, height, width / height], axis=1),
        "colour mode": lambda: _indicators(images["mode"]),
        "file suffix": lambda: _indicators(images["path"].map(lambda path: splitext(unmarked(path))[1].lower())),
        "scanner": lambda: _indicators(images["scanner"]),
        "size in bytes": lambda: np.stack([size, size / (width * height)], axis=1),
        "border": lambda: images[["border", "margin"]].to_numpy(np.float64),
        "mean brightness": lambda: images[["brightness"]].to_numpy(np.float64),
    }
    for name, measured in found.items():
        columns = measured()
        if len(columns) and (columns != columns[0]).any():
            yield name, columns


def strongest(attribute: str, columns: Floats, images: pd.DataFrame, classes: Sequence[str]) -> Shortcut | None:
    """The class that an attribute tells best; None where there are too few images, or one fold alone.

    Args:
        attribute: what it is called.
        columns: (N, K) of ``attributes``.
        images: label, group and fold of each.
        classes: the names of the classes, or of findings.
    """
    truth = truths.coded(images["label"], classes)
    of_classes = truth if truth.ndim == 2 else (truth[:, None] == np.arange(len(classes))).astype(np.int64)
    counts = of_classes.sum(axis=0)
    enough = np.flatnonzero(np.minimum(counts, len(images) - counts) >= LEAST_IMAGES)
    if not len(enough) or images["fold"].nunique() < 2:
        return None
    chances, groups = np.zeros(of_classes.shape), tables.numbered(images["group"])
    for fold in images["fold"].unique():
        inside = (images["fold"] == fold).to_numpy()
        chances[inside] = trees.predicted(columns, of_classes, ~inside)[inside]
    found = []
    for place in enough.tolist():
        both = np.stack([1 - chances[:, place], chances[:, place]], axis=1)
        area = areas.mean_area(of_classes[:, place], both, groups, intervals.quantile(0.95))
        found.append(Shortcut(attribute, classes[place], area.value, *intervals.of_mean(area, 0.95)))
    return max(found, key=lambda shortcut: shortcut.auroc)


def _indicators(values: pd.Series[str]) -> Floats:
    """One column for each of the most frequent values."""
    frequent = values.value_counts().index[:_VALUES]
    return np.stack([(values == value).to_numpy(np.float64) for value in frequent], axis=1)
