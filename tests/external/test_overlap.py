from __future__ import annotations

import io

import numpy as np
import pandas as pd
from PIL import Image, ImageEnhance

from medcnn.external.overlap import Pictures, copies
from medcnn.grouping import duplicates
from medcnn.params.splits import Duplicates
from tests.conftest import picture

LIMITS = Duplicates()


def pictures(images: list[Image.Image], contents: list[str]) -> Pictures:
    rows = pd.DataFrame(
        {"sha256": contents, "phash": duplicates.perceptual_hashes(np.stack([*map(duplicates.to_be_hashed, images)]))}
    )
    return Pictures(rows, np.stack([np.asarray(image.convert("RGB")) for image in images]))


def test_exact_and_near_copies_are_found_and_others_are_not() -> None:
    home = [picture(seed, (64, 64)) for seed in range(5)]
    jpeg = io.BytesIO()
    home[3].save(jpeg, "JPEG", quality=60)
    there = [home[2], picture(9, (64, 64)), Image.open(jpeg), ImageEnhance.Brightness(home[0]).enhance(0.8)]
    found = copies(pictures(there, ["2", "9", "jpeg", "darker"]), pictures(home, list("01234")), LIMITS)
    assert found.exact.tolist() == [2, -1, -1, -1]
    assert found.near.tolist() == [2, -1, 3, 0]


def test_equal_bytes_are_a_copy_even_of_an_even_picture_and_of_one_that_home_has_twice() -> None:
    even = Image.new("L", (64, 64), 40)
    found = copies(pictures([even], ["x"]), pictures([picture(1, (64, 64)), even, even], ["y", "x", "x"]), LIMITS)
    assert found.exact.tolist() == found.near.tolist() == [1]
