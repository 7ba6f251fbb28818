from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medcnn.core import tables
from medcnn.dataset.doubts import Doubt
from medcnn.grouping.relatives import Relatives, joined
from medcnn.measures.statistics.intervals import wilson
from medcnn.params.splits import StratifiedSplit
from medcnn.params.whole import Params
from medcnn.split import doubting
from medcnn.split.settings import Study
from tests.project import changed


@pytest.fixture
def study(settings: Params) -> Study:
    return Study.model_validate(settings.study("brain_mri").model_dump(include={"labels", "split"}))


def rows(count: int = 200, **columns: object) -> pd.DataFrame:
    """Images of two classes, every one its own group, dealt 65, 15 and 20 in a hundred."""
    places = np.arange(count)
    parts = np.select([places % 20 < 13, places % 20 < 16], ["train", "validation"], "test")
    usual = {
        "path": [f"{place}.png" for place in places],
        "label": np.where(places // 20 % 2, "tumour", "healthy"),
        "group": [f"P{place}" for place in places],
        "split": parts,
        "status": "used",
        "reason": "",
    }
    return pd.DataFrame({**usual, **columns})


def relatives(table: pd.DataFrame, patients: object = None, near: object = ()) -> Relatives:
    known = table["group"] if patients is None else patients
    places = np.arange(len(table))
    return Relatives(pd.Series(known, dtype=tables.TEXT), places, joined(len(table), near), places)


def found(table: pd.DataFrame, of: Relatives, study: Study) -> dict[str, Doubt]:
    doubts = list(doubting.of_split(table, of, study))
    assert len({doubt.kind for doubt in doubts}) == len(doubts)
    return {doubt.kind: doubt for doubt in doubts}


def test_nothing_is_doubted_where_patients_are_known_and_parts_are_as_asked_for(study: Study) -> None:
    table = rows()
    assert found(table, relatives(table), study) == {}


def test_patients_unknown_for_some_images_are_counted_among_those_used(study: Study) -> None:
    table = rows(status=["set_aside"] * 3 + ["used"] * 197)
    doubt = found(table, relatives(table, ["", "", "", "", "", *["P"] * 195]), study)["patients_unknown"]
    assert (doubt.severity, doubt.count, doubt.examples) == ("warning", 2, ("3.png", "4.png"))


def test_parts_far_from_the_shares_asked_for_name_the_group_that_swallowed_them(study: Study) -> None:
    table = rows()
    giant = table.assign(
        group=table["group"].mask(table.index < 150, "nan"), split=table["split"].mask(table.index < 150, "train")
    )
    doubts = found(giant, relatives(giant), study)
    assert doubts["large_group"].count == 150
    assert "patient 'nan' has 150 of 200 images (75%)" in doubts["large_group"].text
    assert "patient 'nan', has 150 images" in doubts["shares_missed"].text
    assert doubts["shares_missed"].count == 9
    assert doubts["shares_missed"].examples[0] == "train holds 179 of 200 images, 90% where 65% was asked for"


def test_a_large_set_of_duplicates_is_called_by_one_of_its_images(study: Study) -> None:
    table = rows()
    alike = table.assign(group=table["group"].mask(table.index < 50, "0f3a"))
    doubt = found(alike, relatives(alike, [""] * 200), study)["large_group"]
    assert "duplicates of 0.png has 50 of 200 images" in doubt.text


def test_a_class_that_is_dealt_unevenly_is_doubted_though_its_part_is_of_the_right_size(study: Study) -> None:
    table = rows()
    test = table["split"] == "test"
    swapped = table.assign(label=table["label"].mask(test & (table.index < 60), "tumour"))
    doubt = found(swapped, relatives(swapped), study)["shares_missed"]
    assert all("test holds" in example and "'" in example for example in doubt.examples)
    assert doubt.count == 2


def test_the_parts_of_an_author_and_a_class_of_few_images_are_not_held_to_shares(study: Study) -> None:
    few = rows(20).assign(label=["rare", *["healthy"] * 19])
    assert "shares_missed" not in found(few, relatives(few), study)
    author = {"kind": "author", "train": "a/*", "validation": "b/*", "test": "c/*"}
    table = rows(split=["train"] * 100 + ["validation"] * 20 + ["test"] * 80)
    assert "shares_missed" in found(table, relatives(table), study)
    by_author = Study.model_validate({"labels": study.labels, "split": author})
    assert "shares_missed" not in found(table, relatives(table), by_author)


def test_a_test_part_of_few_groups_says_how_well_an_accuracy_would_be_known(study: Study) -> None:
    table = rows()
    slices = table.assign(group=[f"P{place // 10}" for place in range(200)])
    doubt = found(slices, relatives(slices), changed(study, {"split": StratifiedSplit()}))["small_test"]
    low, high = wilson(0.9, 10, 0.95)
    assert doubt.count == 10
    assert f"{low:.2f} to {high:.2f}" in doubt.text


def test_near_duplicates_of_two_classes_are_shown_in_pairs(study: Study) -> None:
    table = rows()
    doubt = found(table, relatives(table, near=[(5, 6), (10, 30), (30, 50)]), study)["near_copies_of_two_classes"]
    assert (doubt.count, doubt.examples) == (3, ("10.png (healthy) and 30.png (tumour)",))


def test_images_lost_to_contradicting_labels_or_to_the_parts_patterns_are_counted(study: Study) -> None:
    reasons = ["identical image under labels a and b"] * 4 + [
        "in no part of the author's split",
        "unreadable: empty file",
    ]
    table = rows(status=["set_aside"] * 6 + ["used"] * 194, reason=reasons + [""] * 194)
    doubts = found(table, relatives(table), study)
    assert (doubts["copies_of_two_classes"].count, doubts["images_in_no_part"].count) == (4, 1)
    assert doubts["images_in_no_part"].examples == ("4.png",)


def test_every_kind_of_doubt_is_explained(root: Path) -> None:
    text = "".join(path.read_text() for path in (root / "medcnn").rglob("*.py"))
    kinds = set(re.findall(r'Doubt\([^"]*(?:"[a-z]+"[^"]*?)*?, f?"([a-z]+(?:_[a-z]+)+)[_"]', text))
    explained = (root / "docs/data.md").read_text()
    assert len(kinds) > 25
    assert {kind for kind in kinds if f"`{kind}" not in explained} == set()
