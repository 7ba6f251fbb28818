from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest
from medcnn.dataset.manifest import Row
from medcnn.params.splits import AuthorSplit, OnLeak, StratifiedSplit
from medcnn.params.studies import Study
from medcnn.params.whole import Params
from medcnn.split import placing

REPAIRS: tuple[OnLeak, ...] = ("keep", "drop_from_train", "regroup")


@pytest.fixture
def study(settings: Params) -> Study:
    return settings.study("brain_mri")


def row(path: str) -> Row:
    label = "tumour" if "/yes" in path else "healthy"
    facts = {"width": 8, "height": 8, "mode": "L", "bytes": 1, "sha256": "", "phash": "", "duplicate_of": ""}
    return Row(manifest.image_id(path), path, label, "", "", -1, **facts, status=manifest.USED, reason="")


def drawn(on_leak: OnLeak, **changes: float) -> dict[str, object]:
    return {"split": StratifiedSplit(kind="stratified", validation=0.2, test=0.2, on_leak=on_leak, **changes)}


def author(on_leak: OnLeak, validation: str | float = "valid/*", **changes: object) -> dict[str, object]:
    parts = {"train": "train/*", "validation": validation, "test": "test/*", "folds": 2} | changes
    return {"split": AuthorSplit(kind="author", on_leak=on_leak, **parts)}


def placed(study: Study, rows: list[Row], groups: list[int], changes: dict[str, object]) -> list[Row]:
    return placing.placed(rows, groups, study.model_copy(update=changes), 1, "studies.s")


def parted(rows: list[Row], groups: list[int], column: str = "split") -> int:
    """How many groups stand in two parts, or in two folds."""
    seen = {(group, getattr(row, column)) for row, group in zip(rows, groups, strict=True) if row.split}
    return sum(count > 1 for count in Counter(group for group, _ in seen).values())


def pairs(count: int = 100) -> tuple[list[Row], list[int]]:
    """Two images a patient."""
    rows = [row(f"a/{('yes', 'no')[index // 2 % 2]}/{index}") for index in range(count)]
    return rows, [index // 2 * 2 for index in range(count)]


@pytest.mark.parametrize("on_leak", REPAIRS)
def test_a_drawn_split_keeps_drops_or_regroups_what_leaks(study: Study, on_leak: OnLeak) -> None:
    rows, groups = pairs()
    dealt = placed(study, rows, groups, drawn(on_leak))
    aside = [item for item in dealt if item.status == manifest.SET_ASIDE]
    assert (parted(dealt, groups) > 0) == (on_leak == "keep")
    assert (parted(dealt, groups, "fold") > 0) == (on_leak == "keep")
    assert bool(aside) == (on_leak == "drop_from_train")
    assert all(item.fold == -1 and item.split == "" for item in aside)
    counts = Counter((item.split, item.label) for item in dealt)
    assert counts["test", "tumour"] == counts["test", "healthy"] == 10


def test_dropping_leaves_the_test_part_of_the_published_draw_as_it_was(study: Study) -> None:
    rows, groups = pairs()
    kept, dropped = (placed(study, rows, groups, drawn(on_leak)) for on_leak in ("keep", "drop_from_train"))
    published = placing.as_published(rows, drawn("regroup")["split"], 1)
    assert [item.split for item in kept] == published
    for before, after in zip(kept, dropped, strict=True):
        assert after.split == before.split or (after.split == "" and before.split != "test")
    reasons = {item.reason for item in dropped}
    assert reasons == {"", *(f"shares a patient or a duplicate with {part}" for part in ("test", "validation"))}


def parts(*places: str) -> list[Row]:
    """Images in the author's folders, two of each class in every part, then those of ``places``."""
    base = [f"{part}/{name}{n}" for part in ("train", "valid", "test") for name in ("yes", "no") for n in (1, 2)]
    return [row(path) for path in (*base, *places)]


def test_an_authors_group_moves_whole_to_where_most_of_it_stands_or_to_the_later_part(study: Study) -> None:
    rows = parts("train/yes3", "train/yes4", "test/yes3", "train/no3", "valid/no3", "valid/yes3", "test/yes4")
    groups = [*range(12), 12, 12, 12, 13, 13, 14, 14]
    dealt = placed(study, rows, groups, author("regroup"))
    assert [item.split for item in dealt[12:]] == ["train"] * 3 + ["validation"] * 2 + ["test"] * 2
    assert all(item.status == manifest.USED for item in dealt)


def test_an_authors_leaks_may_stay(study: Study) -> None:
    rows = parts("train/yes3", "test/yes3")
    dealt = placed(study, rows, [*range(12), 12, 12], author("keep"))
    assert [item.split for item in dealt[12:]] == ["train", "test"]
    assert {item.fold for item in dealt if item.split == "test"} == {0}


@pytest.mark.parametrize("on_leak", REPAIRS)
def test_where_the_author_made_no_validation_part_it_is_drawn_from_training(study: Study, on_leak: OnLeak) -> None:
    rows = [row(f"train/{('yes', 'no')[index // 2 % 2]}{index}") for index in range(80)]
    rows += [row(f"test/{('yes', 'no')[index % 2]}{index}") for index in range(20)]
    groups = [*(index // 2 for index in range(80)), *range(100, 120)]
    dealt = placed(study, rows, groups, author(on_leak, 0.25))
    counts = Counter((item.split, item.label) for item in dealt)
    assert counts == {
        (part, label): count
        for part, count in (("train", 30), ("validation", 10), ("test", 10))
        for label in ("tumour", "healthy")
    }
    assert (parted(dealt, groups) > 0) == (on_leak == "keep")
    assert all(item.split == "test" for item in dealt[80:])


def columns(study: Study, rows: list[Row], groups: list[int], changes: dict[str, object]) -> list[dict[str, str]]:
    """For each fold the part of every image by its path; images without one are left out."""
    dealt = placed(study, rows, groups, changes)
    folded = placing.folded(dealt, groups, study.model_copy(update=changes), 1)
    assert list(folded) == [item.image_id for item in dealt if item.status == manifest.USED]
    path_of = {item.image_id: item.path for item in dealt}
    folds = zip(*folded.values(), strict=True)
    return [{path_of[name]: part for name, part in zip(folded, fold, strict=True) if part} for fold in folds]


@pytest.mark.parametrize("on_leak", REPAIRS)
def test_each_image_of_a_drawn_split_is_tested_in_one_fold_and_no_group_is_parted(
    study: Study, on_leak: OnLeak
) -> None:
    rows, groups = pairs()
    group_of = {item.path: group for item, group in zip(rows, groups, strict=True)}
    dealt = placed(study, rows, groups, drawn(on_leak))
    folds = columns(study, rows, groups, drawn(on_leak))
    assert len(folds) == 5
    assert folds[0] == {item.path: item.split for item in dealt if item.split}
    for number, fold in enumerate(folds):
        assert set(fold) == set(folds[0])
        assert {path for path, part in fold.items() if part == "test"} == {
            item.path for item in dealt if item.fold == number
        }
        sides = Counter(group for group, _ in {(group_of[path], part) for path, part in fold.items()})
        assert (max(sides.values()) > 1) == (on_leak == "keep")
    tested = Counter(path for fold in folds for path, part in fold.items() if part == "test")
    assert set(tested.values()) == {1}


def test_every_fold_holds_the_splits_own_share_of_every_class_for_validation(study: Study) -> None:
    rows, groups = pairs(400)
    folds = columns(study, rows, groups, drawn("regroup"))
    label_of = {item.path: item.label for item in rows}
    for fold in folds:
        counts = Counter((part, label_of[path]) for path, part in fold.items())
        for label in ("tumour", "healthy"):
            of_class = [counts[part, label] for part in manifest.SPLITS]
            assert of_class == pytest.approx([120, 40, 40], abs=4)
    validations = [frozenset(path for path, part in fold.items() if part == "validation") for fold in folds]
    assert len(set(validations)) == 5


@pytest.mark.parametrize("validation", ["valid/*", 0.25])
def test_an_authors_test_part_is_in_fold_0_alone(study: Study, validation: str | float) -> None:
    rows = [row(f"{part}/{('yes', 'no')[n % 2]}{n}") for part in ("train", "valid", "test") for n in range(20)]
    patterns = {"train": "train/*" if validation == "valid/*" else "[tv][ra]*/*"}
    folds = columns(study, rows, list(range(60)), author("regroup", validation, folds=4, **patterns))
    assert len(folds) == 5
    tests = {item.path for item in rows if item.path.startswith("test")}
    assert {path for path, part in folds[0].items() if part == "test"} == tests
    others = {item.path for item in rows} - tests
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


def test_images_in_no_part_are_set_aside(study: Study) -> None:
    dealt = placed(study, parts("else/yes1"), list(range(13)), author("regroup"))
    assert (dealt[-1].status, dealt[-1].reason) == (manifest.SET_ASIDE, "in no part of the author's split")


@pytest.mark.parametrize(
    ("rows", "groups", "changes", "message"),
    [
        (
            [row(f"a/yes{n}") for n in range(20)] + [row(f"a/no{n}") for n in range(4)],
            list(range(24)),
            drawn("regroup"),
            r"studies\.s\.split\.folds: class 'healthy' has 3 images outside the test part, fewer than the 4 folds "
            "there; set it to 4 or less, or add images",
        ),
        (
            [row(f"a/yes{n}") for n in range(20)] + [row(f"a/no{n}") for n in range(20)],
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
            [row(f"a/{('yes', 'no')[n % 2]}{n}") for n in range(40)],
            [n % 2 for n in range(40)],
            drawn("regroup", folds=2),
            r"studies\.s\.split: no '\w+' image in \w+; give that part a larger share, or add images",
        ),
        (
            parts(),
            list(range(12)),
            author("keep", "val/*"),
            r"studies\.s\.split\.validation: 'val/\*' matches no image, such as train/yes1; fix the pattern",
        ),
        (
            [item for item in parts() if not item.path.startswith("test/no")],
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
    study: Study, rows: list[Row], groups: list[int], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(MedcnnError, match=message):
        placed(study, rows, groups, changes)


def test_folders_whose_images_are_of_no_class_are_named_where_a_class_is_missing(study: Study) -> None:
    rows = [item for item in parts() if not item.path.startswith("test/no")]
    stray = manifest.set_aside(row("test/No/1"), "no class")
    rows.append(replace(stray, label=""))
    with pytest.raises(MedcnnError, match=r"and test none; .* folders there of no class: test/No$"):
        placed(study, rows, list(range(11)), author("regroup"))
