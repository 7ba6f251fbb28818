from __future__ import annotations

import pandas as pd
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.grouping import leaks


def test_an_image_leaks_that_shares_a_key_with_an_earlier_part() -> None:
    parts = [0, 1, 1, 2, 2, 0]
    assert leaks.leaked([1, 1, 2, 2, 3, 3], parts).tolist() == [False, True, False, True, True, False]


def test_a_plain_random_split_leaks_about_what_theory_says() -> None:
    # Pairs: a held-out image leaks when its twin is in training, which is so for 0.7 of them.
    groups = [index // 2 for index in range(2000)]
    by_chance = leaks.leaked_by_chance(groups, ["a"] * 2000, 0.3, seed=1)
    assert by_chance == pytest.approx(0.7, rel=0.03)


def test_images_without_relatives_cannot_leak() -> None:
    assert leaks.leaked_by_chance(list(range(100)), ["a", "b"] * 50, 0.3, seed=1) == 0


def test_a_group_on_two_sides_is_refused_by_name() -> None:
    with pytest.raises(MedcnnError, match=r"leak.*two\.png in test.*one\.png in train"):
        leaks.check_no_leak([7, 7], ["train", "test"], pd.Series(["one.png", "two.png"]))
