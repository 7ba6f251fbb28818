"""How images are joined into groups that no split may part: by patient, exact copies and near duplicates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from medcnn.core import tables
from medcnn.grouping import duplicates, transformed
from medcnn.grouping.transformed import Transformed
from medcnn.params.splits import Duplicates


@dataclass(frozen=True)
class Relatives:
    """Per row: its patient, and the first row among its exact copies, its near duplicates, and all of these joined
    with the pictures of one file. Near duplicates include transformed copies, where these were looked for.
    """

    patients: pd.Series[str]
    exact: npt.NDArray[np.int64]
    near: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]
    transformed: Transformed | None = None


def related(
    contents: pd.Series[str],
    hashes: pd.Series[str],
    patients: pd.Series[str],
    files: pd.Series[int],
    thumbnails: Callable[[npt.NDArray[np.int64]], np.ndarray],
    limits: Duplicates,
    companions: npt.ArrayLike = (),
) -> Relatives:
    """Find exact and near duplicates, and join them with the patients.

    Args:
        contents: the sha256 of each image.
        hashes: its perceptual hash; '' for a file that is not an image, which has no copies.
        patients: its patient, '' where unknown.
        files: the number of the file that holds it, which never falls; pictures of one file are one patient's.
        thumbnails: gives the thumbnails of some images, see ``duplicates.near_pairs``.
        limits: what counts as a near duplicate.
        companions: pairs (M, 2) of positions that belong together for another reason, such as an image and its mask.
    """
    count, places, images = len(hashes), np.arange(len(hashes)), np.flatnonzero(hashes != "")
    exact = joined(count, same(contents)[images])
    pairs = duplicates.near_pairs(hashes.iloc[images], lambda some: thumbnails(images[some]), limits)
    alike = images[np.fromiter(pairs, np.dtype((np.int64, 2)))]
    near = joined(count, np.stack([exact, places], axis=1), alike)
    of_file = np.searchsorted(files, files)
    ties = (np.stack([near, places], axis=1), same(patients), np.stack([of_file, places], axis=1), companions)
    groups, owners = joined(count, *ties), joined(count, *ties[1:])
    if not limits.transformed:
        return Relatives(patients, exact, near, groups)
    side = duplicates.THUMBNAIL
    copies = transformed.found(thumbnails(images).reshape(-1, side, side), owners[images], groups[images])
    near, groups = (joined(count, np.stack([of, places], axis=1), images[copies.pairs]) for of in (near, groups))
    return Relatives(patients, exact, near, groups, copies)


def joined(count: int, *pairs: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Connected components: for each of ``count`` items the smallest index that it is linked to.

    Args:
        count: how many items there are.
        pairs: indices of linked items, (M, 2) each.
    """
    links = np.concatenate([np.asarray(each, np.int64).reshape(-1, 2) for each in pairs])
    links = links[links[:, 0] != links[:, 1]]
    graph = coo_array((np.ones(len(links), np.int8), (links[:, 0], links[:, 1])), shape=(count, count))
    _, names = connected_components(graph, directed=False)
    firsts: npt.NDArray[np.int64] = np.unique(names, return_index=True)[1][names]
    return firsts


def same(keys: pd.Series[str]) -> npt.NDArray[np.int64]:
    """Pairs (N, 2) of the first item with the same key, and each item; an empty key is like no other."""
    codes, places = tables.numbered(keys), np.arange(len(keys))
    firsts = np.unique(codes, return_index=True)[1][codes]
    return np.stack([np.where(keys != "", firsts, places), places], axis=1)
