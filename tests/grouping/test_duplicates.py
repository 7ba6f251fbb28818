from __future__ import annotations

import io

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageChops, ImageEnhance

from medcnn.grouping import duplicates, relatives
from medcnn.params.splits import Duplicates
from tests.conftest import picture

LIMITS = Duplicates(hamming=8, correlation=0.95)


def pairs(images: list[Image.Image], limits: Duplicates = LIMITS) -> set[tuple[int, int]]:
    hashes = duplicates.perceptual_hashes(np.stack([duplicates.to_be_hashed(image) for image in images]))
    thumbnails = np.stack([duplicates.thumbnail(image) for image in images])
    return set(duplicates.near_pairs(hashes, thumbnails.__getitem__, limits))


def test_reencoded_brightened_shifted_and_resized_copies_are_near_duplicates() -> None:
    original = picture(1, (128, 128))
    jpeg = io.BytesIO()
    original.save(jpeg, "JPEG", quality=40)
    copies = [
        Image.open(jpeg),
        ImageEnhance.Brightness(original).enhance(0.8),
        ImageChops.offset(original, 1, 0),
        original.resize((90, 90)),
    ]
    assert {(0, 1), (0, 2), (0, 3), (0, 4)} <= pairs([original, *copies])


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_hashes_are_those_of_imagehash(mode: str) -> None:
    images = [*(picture(seed, (32, 32)).convert(mode) for seed in range(30)), Image.new(mode, (32, 32), 0)]
    hashes = duplicates.perceptual_hashes(np.stack([duplicates.to_be_hashed(image) for image in images]))
    assert hashes == [str(imagehash.phash(image)) for image in images]


def test_different_pictures_are_not() -> None:
    assert pairs([picture(seed, (64, 64)) for seed in range(80)]) == set()


def test_both_measures_must_agree() -> None:
    original = picture(1, (128, 128))
    shifted = ImageChops.offset(original, 1, 0)
    assert pairs([original, shifted], Duplicates(hamming=8, correlation=0.99999)) == set()


def test_flat_images_have_no_thumbnail_to_compare() -> None:
    assert pairs([Image.new("L", (32, 32), 10), Image.new("L", (32, 32), 200)]) == set()


def pairs_one_by_one(hashes: list[str], thumbnails: np.ndarray, limits: Duplicates) -> set[tuple[int, int]]:
    """By comparing everything with everything, in the words of the definition."""
    codes = np.array([int(code, 16) for code in hashes], np.uint64)
    close = np.bitwise_count(codes[:, None] ^ codes) <= limits.hamming
    with np.errstate(invalid="ignore"):
        alike = np.corrcoef(thumbnails) >= limits.correlation
    return set(zip(*(positions.tolist() for positions in np.nonzero(np.triu(close & alike, 1))), strict=True))


def look_alikes(count: int) -> tuple[list[str], np.ndarray]:
    """Hashes and thumbnails of kinds of pictures, each with variants; a few are flat."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, count // 3, count)
    codes = rng.integers(0, 1 << 63, count // 3, dtype=np.uint64)[kinds]
    changed = rng.integers(0, 8, count)
    for bits in range(7):
        flips = np.uint64(1) << rng.integers(0, 64, count, dtype=np.uint64)
        codes ^= np.where(bits < changed, flips, np.uint64(0))
    pictures = rng.integers(40, 200, (count // 3, 1024))[kinds]
    thumbnails = np.clip(pictures + rng.normal(0, rng.uniform(0, 14, (count, 1)), (count, 1024)), 0, 255)
    thumbnails[rng.random(count) < 0.02] = 7
    return [f"{code:016x}" for code in codes.tolist()], thumbnails.astype(np.uint8)


@pytest.mark.parametrize(
    ("count", "hamming", "correlation"),
    [
        pytest.param(5000, 8, 0.98, marks=pytest.mark.slow),
        (600, 8, 0.9),
        (600, 0, 0.9),
        (600, 3, 0.97),
        (600, 16, 0.97),
        (200, 32, 0.95),
    ],
)
def test_every_limit_gives_the_groups_that_every_pair_looked_at_one_by_one_gives(
    count: int, hamming: int, correlation: float
) -> None:
    limits = Duplicates(hamming=hamming, correlation=correlation)
    hashes, thumbnails = look_alikes(count)
    expected = pairs_one_by_one(hashes, thumbnails, limits)
    found = set(duplicates.near_pairs(hashes, thumbnails.__getitem__, limits))
    assert found <= expected
    np.testing.assert_array_equal(relatives.joined(count, list(found)), relatives.joined(count, list(expected)))
    assert len(expected) >= 10


def test_without_readable_images_there_are_no_pairs() -> None:
    assert not list(duplicates.near_pairs([], np.empty((0, 1024), np.uint8).__getitem__, LIMITS))


@pytest.mark.parametrize("flipped", [0, 1])
def test_images_that_are_all_alike_are_linked_without_looking_at_every_pair(flipped: int) -> None:
    count, compared = 10_000, 0
    bits = np.uint64(flipped) << np.random.default_rng(0).integers(0, 64, count, dtype=np.uint64)
    picture = np.arange(1024, dtype=np.uint16).astype(np.uint8)

    def thumbnails(positions: np.ndarray) -> np.ndarray:
        nonlocal compared
        compared += len(positions)
        return np.broadcast_to(picture, (len(positions), 1024))

    found = list(duplicates.near_pairs([f"{code:016x}" for code in bits.tolist()], thumbnails, LIMITS))
    assert not relatives.joined(count, found).any()
    assert compared < 30 * count
