"""Images that an external study shares with the home study: on these a model is not tested by anything new."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from medcnn.core.arrays import Integers
from medcnn.dataset.shards import Rows
from medcnn.grouping import duplicates
from medcnn.params.splits import Duplicates


@dataclass(frozen=True)
class Pictures:
    """The used images of a study.

    Attributes:
        rows: of the manifest, at least sha256 and phash.
        pixels: uint8 (N, S, S, 3), prepared alike in both studies, so that thumbnails can be compared.
    """

    rows: pd.DataFrame
    pixels: Rows

    @property
    def thumbnails(self) -> np.ndarray:
        """All thumbnails, uint8 (N, 1024)."""
        return np.stack([duplicates.thumbnail(Image.fromarray(self.pixels[row])) for row in range(len(self.rows))])


@dataclass(frozen=True)
class Copies:
    """For each external image (N,) the home image that it is a copy of, by position; -1 where it is of none.

    Attributes:
        exact: with the same bytes.
        near: these, and near duplicates by the limits of the home study.
    """

    exact: Integers
    near: Integers


def copies(external: Pictures, home: Pictures, limits: Duplicates) -> Copies:
    """Find the external images that the home study has too, in any of its parts."""
    firsts = home.rows["sha256"].reset_index(drop=True).drop_duplicates()
    places = pd.Index(firsts).get_indexer(pd.Index(external.rows["sha256"]))
    exact = np.where(places >= 0, firsts.index.to_numpy()[places], -1)
    alike = duplicates.near_copies(
        external.rows["phash"], home.rows["phash"], external.thumbnails, home.thumbnails, limits
    )
    return Copies(exact, np.where(exact >= 0, exact, alike))
