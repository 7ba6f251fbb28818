from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from medcnn.grouping import transformed
from medcnn.grouping.duplicates import thumbnail

IMAGES = 60


def scans(count: int) -> np.ndarray:
    """Pictures (count, 96, 96) of one coarse shape and of details of their own."""
    rng = np.random.default_rng(3)
    body = 90 * np.exp(-(((np.indices((96, 96)) - 48) / 30) ** 2).sum(axis=0))
    details = ndimage.gaussian_filter(rng.normal(size=(count, 96, 96)), (0, 2, 2)) * 150
    return np.clip(60 + body + details, 0, 255).astype(np.uint8)


def small(pictures: list[np.ndarray]) -> np.ndarray:
    return np.stack([thumbnail(Image.fromarray(picture)).reshape(32, 32) for picture in pictures])


@pytest.fixture(scope="module")
def plain() -> list[np.ndarray]:
    return list(scans(IMAGES))


def found_in(pictures: np.ndarray, owners: np.ndarray) -> transformed.Transformed:
    return transformed.found(pictures, owners, owners)


CHANGES = {
    "mirrored": lambda picture: picture[:, ::-1],
    "cropped": lambda picture: picture[10:-10, 10:-10],
    "rewindowed": lambda picture: np.clip((picture - 50.0) * 1.6, 0, 255).astype(np.uint8),
    "coarser": lambda picture: np.asarray(Image.fromarray(picture).resize((40, 40))),
    "mirrored and cropped": lambda picture: picture[8:-8, 8:-8][:, ::-1],
}


def test_copies_are_found_and_strangers_are_not(plain: list[np.ndarray]) -> None:
    copies = [change(plain[number]) for number, change in enumerate(CHANGES.values())]
    pictures = small([*plain, *copies])
    found = found_in(pictures, np.arange(len(pictures)))
    assert {tuple(sorted(pair)) for pair in found.pairs.tolist()} == {(n, IMAGES + n) for n in range(len(CHANGES))}
    assert min(found.recall.values()) > 0.9


def test_images_that_are_known_to_belong_together_are_not_compared(plain: list[np.ndarray]) -> None:
    pictures = small([*plain, plain[0][:, ::-1]])
    groups = np.append(np.arange(IMAGES), 0)
    assert len(found_in(pictures, groups).pairs) == 0


def test_flat_pictures_are_like_no_other(plain: list[np.ndarray]) -> None:
    flat = [np.full((96, 96), level, np.uint8) for level in (0, 0, 255)]
    assert found_in(small([*plain, *flat]), np.arange(IMAGES + 3)).pairs.tolist() == []
