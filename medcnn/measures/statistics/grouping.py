"""Images in groups: patients, whose images are not independent of each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medcnn.core.arrays import Floats, Integers

Names = Sequence[str] | Integers
"""The group of each image, as a name or a number."""


def numbered(groups: Names) -> Integers:
    """The group (N,) of each image as a number from 0 on."""
    return np.unique(np.asarray(groups), return_inverse=True)[1]


def sums(values: Floats, groups: Integers) -> Floats:
    """Sums (G,) or (G, K) over the images of each group, of values (N,) or (N, K) of images."""
    totals = np.zeros((int(groups.max(initial=-1)) + 1, *values.shape[1:]))
    np.add.at(totals, groups, values)
    return totals


def sizes(groups: Integers) -> Floats:
    """How many images (G,) each group has."""
    return sums(np.ones(len(groups)), groups)
