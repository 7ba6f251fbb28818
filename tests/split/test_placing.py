from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest
from medcnn.params.splits import AuthorSplit, OnLeak, StratifiedSplit
from medcnn.params.studies import Study
from medcnn.params.whole import Params
from medcnn.split import placing
from tests.project import manifest_rows

REPAIRS: tuple[OnLeak, ...] = ("keep", "drop_from_train", "regroup")


@pytest.fixture
def study(settings: Params) -> Study:
    return settings.study("brain_mri")


def images(*paths: str) -> pd.DataFrame:
    return manifest_rows(
        {"path": path, "label": "tumour" if "/yes" in path else "healthy", "fold": -1} for path in paths
    ).assign(part="")


def drawn(on_leak: OnLeak, **changes: Any) -> dict[str, object]:
    return {"split": StratifiedSplit(kind="stratified", validation=0.2, test=0.2, on_leak=on_leak, **changes)}


def author(on_leak: OnLeak, validation: str | float = "valid/*", **changes: object) -> dict[str, object]:
    parts = {"train": "train/*", "validation": validation, "test": "test/*", "folds": 2} | changes
    return {"split": AuthorSplit(kind="author", on_leak=on_leak, **parts)}


def placed(study: Study, rows: pd.DataFrame, groups: list[int], changes: dict[str, object]) -> pd.DataFrame:
    return placing.placed(rows, np.array(groups), study.model_copy(update=changes), 1, "studies.s")


def parted(rows: pd.DataFrame, groups: list[int], column: str = "split") -> int:
    """How many groups stand in two parts, or in two folds."""
    seen = {(group, getattr(row, column)) for row, group in zip(rows.itertuples(), groups, strict=True) if row.split}
    return sum(count > 1 for count in Counter(group for group, _ in seen).values())


def pairs(count: int = 100) -> tuple[pd.DataFrame, list[int]]:
    """Two images of each patient."""
    rows = images(*(f"a/{('yes', 'no')[index // 2 % 2]}/{index}" for index in range(count)))
    return rows, [index // 2 * 2 for index in range(count)]


@pytest.mark.parametrize("on_leak", REPAIRS)
def test_a_drawn_split_keeps_drops_or_regroups_what_leaks(study: Study, on_leak: OnLeak) -> None:
    rows, groups = pairs()
    dealt = placed(study, rows, groups, drawn(on_leak))
    aside = dealt[dealt["status"] == manifest.SET_ASIDE]
    assert (parted(dealt, groups) > 0) == (on_leak == "keep")
    assert (parted(dealt, groups, "fold") > 0) == (on_leak == "keep")
    assert bool(len(aside)) == (on_leak == "drop_from_train")
    assert ((aside["fold"] == -1) & (aside["split"] == "")).all()
    counts = Counter((item.split, item.label) for item in dealt.itertuples())
    assert counts["test", "tumour"] == counts["test", "healthy"] == 10


def test_dropping_leaves_the_test_part_of_the_published_draw_as_it_was(study: Study) -> None:
    rows, groups = pairs()
    kept, dropped = (placed(study, rows, groups, drawn(on_leak)) for on_leak in ("keep", "drop_from_train"))
    published = placing.as_published(rows, drawn("regroup")["split"], 1)
    assert kept["split"].tolist() == published.tolist()
    for before, after in zip(kept["split"], dropped["split"], strict=True):
        assert after == before or (after == "" and before != "test")
    reasons = set(dropped["reason"])
    assert reasons == {"", *(f"shares a patient or a duplicate with {part}" for part in ("test", "validation"))}


def parts(*places: str) -> pd.DataFrame:
    """Images in the author's folders, two of each class in every part, then those of ``places``."""
    base = [f"{part}/{name}{n}" for part in ("train", "valid", "test") for name in ("yes", "no") for n in (1, 2)]
    return images(*base, *places)


def test_an_authors_group_moves_whole_to_where_most_of_it_stands_or_to_the_later_part(study: Study) -> None:
    rows = parts("train/yes3", "train/yes4", "test/yes3", "train/no3", "valid/no3", "valid/yes3", "test/yes4")
    groups = [*range(12), 12, 12, 12, 13, 13, 14, 14]
    dealt = placed(study, rows, groups, author("regroup"))
    assert dealt["split"].tolist()[12:] == ["train"] * 3 + ["validation"] * 2 + ["test"] * 2
    assert (dealt["status"] == manifest.USED).all()


def test_an_authors_leaks_may_stay(study: Study) -> None:
    rows = parts("train/yes3", "test/yes3")
    dealt = placed(study, rows, [*range(12), 12, 12], author("keep"))
    assert dealt["split"].tolist()[12:] == ["train", "test"]
    assert set(dealt["fold"][dealt["split"] == "test"]) == {0}


@pytest.mark.parametrize("on_leak", REPAIRS)
def test_where_the_author_made_no_validation_part_it_is_drawn_from_training(study: Study, on_leak: OnLeak) -> None:
    training = [f"train/{('yes', 'no')[index // 2 % 2]}{index}" for index in range(80)]
    rows = images(*training, *(f"test/{('yes', 'no')[index % 2]}{index}" for index in range(20)))
    groups = [*(index // 2 for index in range(80)), *range(100, 120)]
    dealt = placed(study, rows, groups, author(on_leak, 0.25))
    counts = Counter((item.split, item.label) for item in dealt.itertuples())
    assert counts == {
        (part, label): count
        for part, count in (("train", 30), ("validation", 10), ("test", 10))
        for label in ("tumour", "healthy")
    }
    assert (parted(dealt, groups) > 0) == (on_leak == "keep")
    assert (dealt["split"][80:] == "test").all()


def columns(study: Study, rows: pd.DataFrame, groups: list[int], changes: dict[str, object]) -> list[dict[str, str]]:
    """For each fold the part of every image by its path; images without one are left out."""
    dealt = placed(study, rows, groups, changes)
    folded = placing.folded(dealt, np.array(groups), study.model_copy(update=changes), 1)
    used = dealt[dealt["status"] == manifest.USED]
    assert folded["image_id"].tolist() == used["image_id"].tolist()
    folds = folded.drop(columns="image_id")
    return [{path: part for path, part in zip(used["path"], folds[name], strict=True) if part} for name in folds]


@pytest.mark.parametrize("on_leak", REPAIRS)
def test_each_image_of_a_drawn_split_is_tested_in_one_fold_and_no_group_is_parted(
    study: Study, on_leak: OnLeak
) -> None:
    rows, groups = pairs()
    group_of = dict(zip(rows["path"], groups, strict=True))
    dealt = placed(study, rows, groups, drawn(on_leak))
    folds = columns(study, rows, groups, drawn(on_leak))
    assert len(folds) == 5
    assert folds[0] == {item.path: item.split for item in dealt.itertuples() if item.split}
    for number, fold in enumerate(folds):
        assert set(fold) == set(folds[0])
        assert {path for path, part in fold.items() if part == "test"} == set(dealt["path"][dealt["fold"] == number])
        sides = Counter(group for group, _ in {(group_of[path], part) for path, part in fold.items()})
        assert (max(sides.values()) > 1) == (on_leak == "keep")
    tested = Counter(path for fold in folds for path, part in fold.items() if part == "test")
    assert set(tested.values()) == {1}


def test_every_fold_holds_the_splits_own_share_of_every_class_for_validation(study: Study) -> None:
    rows, groups = pairs(400)
    folds = columns(study, rows, groups, drawn("regroup"))
    label_of = dict(zip(rows["path"], rows["label"], strict=True))
    for fold in folds:
        counts = Counter((part, label_of[path]) for path, part in fold.items())
        for label in ("tumour", "healthy"):
            of_class = [counts[part, label] for part in manifest.SPLITS]
            assert of_class == pytest.approx([120, 40, 40], abs=4)
    validations = [frozenset(path for path, part in fold.items() if part == "validation") for fold in folds]
    assert len(set(validations)) == 5


@pytest.mark.parametrize(
    "changes",
    [
        author("regroup", folds=4),
        author("regroup", 0.25, folds=4, train="[tv][ra]*/*"),
        drawn("regroup", folds=4, test_apart=True),
    ],
)
def test_a_test_part_that_is_kept_apart_is_in_fold_0_alone(study: Study, changes: dict[str, Any]) -> None:
    rows = images(*(f"{part}/{('yes', 'no')[n % 2]}{n}" for part in ("train", "valid", "test") for n in range(20)))
    folds = columns(study, rows, list(range(60)), changes)
    assert len(folds) == 5
    tests = {path for path, part in folds[0].items() if part == "test"}
    if isinstance(changes["split"], AuthorSplit):
        assert tests == {path for path in rows["path"] if path.startswith("test")}
    others = set(rows["path"]) - tests
    for fold in folds[1:]:
        assert set(fold) == others
    assert Counter(path for fold in folds[1:] for path, part in fold.items() if part == "test") == dict.fromkeys(
        others, 1
    )


def test_images_that_were_set_aside_have_no_part_in_any_fold(study: Study) -> None:
    rows = parts("train/yes3", "test/yes3")
    folds = columns(study, rows, [*range(12), 12, 12], author("drop_from_train"))
    assert all("train/yes3" not in fold for fold in folds)
    assert "test/yes3" in folds[0]


def test_what_label_tables_say_of_parts_comes_before_paths(study: Study) -> None:
    parts = ["train"] * 8 + ["val"] * 4 + ["test"] * 4
    rows = images(*(f"test/{('yes', 'no')[index % 2]}{index}" for index in range(16)))
    rows["part"] = parts
    dealt = placed(study, rows, [*range(16)], author("regroup", "val", train="train", test="test"))
    assert dealt["split"].str.replace("idation", "").tolist() == parts


def test_patterns_of_two_parts_that_match_one_image_are_refused(study: Study) -> None:
    changes = author("regroup", "valid/*", train="*/yes*", test="t*/*")
    with pytest.raises(MedcnnError, match=r"split\.test: 6 images, such as train/yes1, match .* that of train"):
        placed(study, parts(), [*range(12)], changes)


def test_images_in_no_part_are_set_aside(study: Study) -> None:
    dealt = placed(study, parts("else/yes1"), list(range(13)), author("regroup"))
    assert tuple(dealt[["status", "reason"]].iloc[-1]) == (manifest.SET_ASIDE, "in no part of the author's split")


@pytest.mark.parametrize(
    ("rows", "groups", "changes", "message"),
    [
        (
            images(*(f"a/yes{n}" for n in range(20)), *(f"a/no{n}" for n in range(4))),
            list(range(24)),
            drawn("regroup"),
            r"studies\.s\.split\.folds: class 'healthy' has 3 images outside the test part, fewer than the 4 folds "
            "there; set it to 4 or less, or add images",
        ),
        (
            images(*(f"a/yes{n}" for n in range(20)), *(f"a/no{n}" for n in range(20))),
            [n % 20 // 5 for n in range(40)],
            drawn("regroup"),
            r"studies\.s\.split\.folds: there are 3 patients or sets of duplicates outside the test part, fewer",
        ),
        (
            parts(),
            list(range(12)),
            author("keep", folds=5),
            r"studies\.s\.split\.folds: class '\w+' has 4 images outside the test part, fewer than the 5 folds there; "
            "set it to 4 or less, or add images",
        ),
        (
            images(*(f"a/{('yes', 'no')[n % 2]}{n}" for n in range(40))),
            [n % 2 for n in range(40)],
            drawn("regroup", folds=2),
            r"studies\.s\.split: no '\w+' image in \w+ \(all 20 images of the class are of .* 'a/no1'\); add images",
        ),
        (
            images(*(f"a/{('yes', 'no')[n % 2]}{n}" for n in range(40))),
            [n if n % 2 else 0 for n in range(40)],
            drawn("regroup"),
            r"studies\.s\.split(\.folds: class 'tumour' has 0 images|: no 'tumour' image in \w+) \(all 20 images",
        ),
        (
            parts(),
            list(range(12)),
            author("keep", "val/*"),
            r"studies\.s\.split\.validation: 'val/\*' matches no image, such as train/yes1",
        ),
        (
            parts()[lambda rows: ~rows["path"].str.startswith("test/no")].reset_index(drop=True),
            list(range(10)),
            author("drop_from_train"),
            r"studies\.s\.split\.test: the classes of the parts differ: train holds 'healthy' images and test none",
        ),
        (
            parts(),
            [0, 0, 2, 3, *range(4, 8), 0, *range(9, 12)],
            author("drop_from_train"),
            r"no 'tumour' image in train \(2 are set aside, the first as shares .*\); choose another split\.on_leak",
        ),
    ],
)
def test_a_split_that_cannot_be_made_names_its_key_and_a_cure(
    study: Study, rows: pd.DataFrame, groups: list[int], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(MedcnnError, match=message):
        placed(study, rows, groups, changes)


def test_folders_whose_images_are_of_no_class_are_named_where_a_class_is_missing(study: Study) -> None:
    rows = parts("test/No/1")
    rows = rows[~rows["path"].str.startswith("test/no")].reset_index(drop=True)
    stray = (rows["path"] == "test/No/1").to_numpy()
    rows = manifest.set_aside(rows.assign(label=rows["label"].mask(stray, "")), stray, "no class")
    with pytest.raises(MedcnnError, match=r"and test none; .* folders there of no class: test/No$"):
        placed(study, rows, list(range(11)), author("regroup"))
