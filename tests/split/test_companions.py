from __future__ import annotations

import numpy as np
import pytest

from medcnn.reading.names import matches
from medcnn.split import companions

MANY = range(1, 6)


def links(paths: list[str], few_tones: set[str] = frozenset()) -> dict[str, str]:
    found = companions.found(paths, np.array([path in few_tones for path in paths]))
    return {paths[one]: paths[image] for one, image in found.items()}


@pytest.mark.parametrize(
    ("image", "mask", "patterns"),
    [
        ("benign/benign ({}).png", "benign/benign ({})_mask.png", ["*_mask*"]),
        ("benign/benign ({}).png", "benign/benign ({})_mask_1.png", ["*_mask*"]),
        ("COVID/images/COVID-{}.png", "COVID/masks/COVID-{}.png", ["*/masks/*"]),
        ("a/{}.jpg", "a/mask_{}.png", ["*/mask_*"]),
        ("img{:03}.png", "mask{:03}.png", ["mask*"]),
        ("train/{}.jpg", "train_masks/{}.gif", ["train_masks/*"]),
        ("benign/{}.png", "annotations/benign/{}.png", ["annotations/*"]),
        ("in/ISIC_{:05}.jpg", "GroundTruth/ISIC_{:05}_Segmentation.png", ["*_Segmentation*"]),
        ("x/{}.tif", "x/{}-label.tif", ["*-label*"]),
        ("x/{}.tif", "x/{}_GT.tif", ["*_GT*"]),
        ("x/{}.nii.gz", "x/{}_seg.nii.gz", ["*_seg*"]),
        ("x/{}.nii.gz", "x/{}_mask.png", ["*_mask*"]),
        ("set with masks/{}.png", "set with masks/{}_seg.png", ["*_seg*"]),
    ],
)
def test_masks_are_known_by_a_word_and_left_out_by_one_pattern(image: str, mask: str, patterns: list[str]) -> None:
    expected = {mask.format(number): image.format(number) for number in MANY}
    paths = sorted([*expected, *expected.values()])
    assert links(paths) == expected
    found = companions.found(paths, np.zeros(len(paths), bool))
    assert companions.excluding(paths, found) == patterns
    assert {path for path in paths if any(matches(path, pattern) for pattern in patterns)} == set(expected)
    (doubt,) = companions.doubted(paths, found)
    assert (doubt.severity, doubt.kind, doubt.count) == ("warning", "masks_beside_images", len(expected))
    assert patterns[0] in doubt.text


@pytest.mark.parametrize(
    "paths",
    [
        [f"{folder}/{number}.png" for folder in ("yes", "no") for number in MANY],
        [f"{folder}/{number}.png" for folder in ("mask", "no_mask") for number in MANY],
        [f"label_{folder}/{number}.png" for folder in (0, 1) for number in MANY],
        [f"masks/{number}.png" for number in MANY],
        [f"p{number}{view}.png" for number in MANY for view in ("", "_1", "_lateral")],
    ],
)
def test_images_that_share_a_name_or_a_word_alone_are_no_masks(paths: list[str]) -> None:
    assert links(paths) == {}


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("scans/{}.png", "truth/{}.png"),
        ("a/IMD{}.bmp", "a/IMD{}_lesion.bmp"),
        ("{}.png", "z/{}.png"),
        ("imagesTr/{}.nii.gz", "labelsTr/{}.nii"),
    ],
)
def test_pictures_of_a_few_tones_under_the_names_of_images_are_masks(image: str, mask: str) -> None:
    expected = {mask.format(number): image.format(number) for number in MANY}
    paths = sorted([*expected, *expected.values()])
    assert links(paths, set(expected)) == expected
    # Where all are of a few tones, or few are, the names alone do not say so.
    assert links(paths, set(paths)) == {}
    assert links(paths, {mask.format(1), mask.format(2)}) == {}


def test_a_pattern_that_would_leave_images_out_is_not_proposed() -> None:
    paths = ["a/p1.png", "a/p1_mask.png", "b/unmatched_mask_of_none.png", "c[1]/p2.png", "c[1]/p2_mask.png"]
    found = companions.found(paths, np.zeros(len(paths), bool))
    patterns = companions.excluding(paths, found)
    assert {path for path in paths if any(matches(path, pattern) for pattern in patterns)} == {
        "a/p1_mask.png", "c[1]/p2_mask.png",
    }  # fmt: skip
