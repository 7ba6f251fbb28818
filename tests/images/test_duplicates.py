from __future__ import annotations

import io

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageChops, ImageEnhance

from medcnn.images import duplicates
from medcnn.params.studies import Duplicates
from tests.conftest import picture

LIMITS = Duplicates(hamming=8, correlation=0.95)


def pairs(images: list[Image.Image], limits: Duplicates = LIMITS) -> set[tuple[int, int]]:
    hashes = [duplicates.perceptual_hash(image) for image in images]
    return set(duplicates.near_pairs(hashes, np.stack([duplicates.thumbnail(image) for image in images]), limits))


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


def test_different_pictures_are_not() -> None:
    assert pairs([picture(seed, (64, 64)) for seed in range(80)]) == set()


def test_both_measures_must_agree() -> None:
    original = picture(1, (128, 128))
    shifted = ImageChops.offset(original, 1, 0)
    assert pairs([original, shifted], Duplicates(hamming=8, correlation=0.99999)) == set()


def test_flat_images_have_no_thumbnail_to_compare() -> None:
    assert pairs([Image.new("L", (32, 32), 10), Image.new("L", (32, 32), 200)]) == set()


def test_block_search_finds_what_every_pair_looked_at_one_by_one_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_BLOCK", 7)
    rng = np.random.default_rng(0)
    images = [picture(int(seed), (64, 64)) for seed in rng.integers(0, 12, 40)]
    hashes = [imagehash.phash(image) for image in images]
    expected = {(i, j) for i in range(40) for j in range(i + 1, 40) if hashes[i] - hashes[j] <= LIMITS.hamming}
    assert pairs(images) == expected
