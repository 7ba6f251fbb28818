from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest
from medcnn.dataset.predictions import Predictions
from medcnn.grouping import subgroups
from medcnn.measures import statistics
from medcnn.params import Params
from medcnn.runtime import paths
from stages import split
from tests.conftest import encoded, picture, zipped
from tests.project import shrink

WHERE = "studies.x.subgroups"


# Which subgroup an image is in.


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("39.9", "<40"),
        ("-3", "<40"),
        ("40", "40-62.5"),
        ("62", "40-62.5"),
        ("62.5", ">=62.5"),
        (" 1e3 ", ">=62.5"),
        ("", "unknown"),
        ("NaN", "unknown"),
        ("N/A", "unknown"),
    ],
)
def test_numbers_are_cut_into_bands(value: str, expected: str) -> None:
    assert subgroups.band(value.strip(), (40, 62.5), WHERE) == expected


def test_one_cut_makes_two_bands() -> None:
    assert [subgroups.band(value, (40,), WHERE) for value in ("39", "40")] == ["<40", ">=40"]


def test_words_stay_words() -> None:
    rows = {"a.png": {"sex": "F", "scanner": "GE "}, "b.png": {"sex": "M", "scanner": ""}, "c.png": {}}
    assert subgroups.named(rows, {"sex": (), "scanner": ()}, WHERE) == {
        "sex": {"a.png": "F", "b.png": "M", "c.png": "unknown"},
        "scanner": {"a.png": "GE", "b.png": "unknown", "c.png": "unknown"},
    }


@pytest.mark.parametrize("value", ["old", "inf", "45Y"])
def test_a_word_among_numbers_is_one_line_with_the_key_path(value: str) -> None:
    with pytest.raises(MedcnnError, match=rf"^studies\.x\.subgroups\.age: .* '{value}', which is no number; .*$"):
        subgroups.named({"a.png": {"age": "50"}, "b.png": {"age": value}}, {"age": (40.0,)}, WHERE)


def test_an_unknown_column_says_which_there_are() -> None:
    rows = {"z.png": {}, "a.png": {"file": "a.png", "sex": "F"}}
    with pytest.raises(MedcnnError, match=r"^studies\.x\.subgroups\.gender: .*no column 'gender'; it has file, sex$"):
        subgroups.named(rows, {"sex": (), "gender": ()}, WHERE)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    columns = {"sex": {"a.png": "F", "b.png": "M"}, "age": {"a.png": "<40", "b.png": "unknown"}}
    subgroups.write(path, {"1": "a.png", "2": "b.png"}, columns)
    assert path.read_text() == "image_id,sex,age\n1,F,<40\n2,M,unknown\n"
    assert subgroups.read(path) == {"sex": {"1": "F", "2": "M"}, "age": {"1": "<40", "2": "unknown"}}


def test_a_study_without_subgroups_has_the_ids_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    subgroups.write(path, {"1": "a.png", "2": "b.png"}, {})
    assert path.read_text() == "image_id\n1\n2\n"
    assert subgroups.read(path) == {}


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match=r"x\.csv not found; run `dvc repro`"):
        subgroups.read(tmp_path / "x.csv")


# From a study's CSV.


def study(folder: Path, columns: dict[str, list[float]]) -> None:
    """The phantom's study as 24 images, and a CSV that lists the first 20 and leaves one age out."""
    pictures = {f"{index}.png": encoded(picture(index)) for index in range(24)}
    lines = [f"{index}.png,{('well', 'ill')[index % 2]},{'FMM'[index % 3]},{30 + index}" for index in range(20)]
    lines[3] = lines[3].removesuffix("33")
    table = "\n".join(["file,class,sex,age", *lines]).encode()
    (folder / paths.raw("phantom")).mkdir(parents=True)
    zipped(folder / paths.raw("phantom") / "raw.zip", pictures | {"labels.csv": table})
    labels = {"csv": "labels.csv", "image": "file", "label": "class"}
    classes = {"well": "healthy", "ill": "ill"}
    changes = {"labels": labels, "classes": classes, "group": None, "subgroups": columns, "split.folds": 2}
    shrink(folder, {f"studies.phantom.{key}": value for key, value in changes.items()})


def test_split_tells_the_subgroups_of_every_used_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study(tmp_path, {"sex": [], "age": [35, 45]})
    split.main("phantom")
    found = subgroups.read(paths.subgroups("phantom"))
    used = {row.path: row.image_id for row in manifest.used(paths.manifest("phantom"))}
    assert list(found["sex"]) == list(used.values())
    assert len(used) == 20
    assert [found["sex"][used[f"{index}.png"]] for index in range(4)] == ["F", "M", "M", "F"]
    ages = [found["age"][used[f"{index}.png"]] for index in (0, 3, 5, 14, 15)]
    assert ages == ["<35", "unknown", "35-45", "35-45", ">=45"]


def test_split_refuses_a_column_that_is_not_there_before_it_looks_at_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study(tmp_path, {"scanner": []})
    message = r"^studies\.phantom\.subgroups\.scanner: .* no column 'scanner'; it has file, class, sex, age$"
    with pytest.raises(MedcnnError, match=message):
        split.main("phantom")
    assert not paths.manifest("phantom").exists()


# Figures of each.

VALUES = ["F"] * 10 + ["M"] * 12 + ["unknown"] * 3
RIGHT = np.array([True] * 9 + [False] + [True, False] * 6 + [False] * 3)
LABELS = np.array([0, 1] * 11 + [0] * 3)


def figures(settings: Params, values: list[str]) -> dict[str, Any]:
    """The block of 25 images, two of each patient, of a model that is as right as ``RIGHT`` says."""
    predicted = np.where(RIGHT, LABELS, 1 - LABELS)
    ids = tuple(map(str, range(25)))
    table = Predictions(("healthy", "ill"), ids, ("test",) * 25, LABELS, np.eye(2)[predicted] * 0.6 + 0.2)
    patients = [str(index // 2) for index in range(25)]

    def measured(rows: Sequence[int]) -> dict[str, Any]:
        return statistics.measured(table.at(rows), [patients[row] for row in rows], settings.evaluate, 0, True)

    return subgroups.block({"sex": values}, measured)["sex"]


def test_every_group_is_measured_on_its_own_images(settings: Params) -> None:
    found = files.rounded(figures(settings, VALUES)["groups"])
    assert {name: (block["support"], block["groups"], block["accuracy"]) for name, block in found.items()} == {
        "F": (10, 5, 0.9),
        "M": (12, 6, 0.5),
        "unknown": (3, 2, 0.0),
    }
    for name, block in found.items():
        assert block["accuracy_low"] <= block["accuracy"] <= block["accuracy_high"]
        assert (block["auroc"] is None) == (name == "unknown")
        assert {"auroc_low", "auroc_high", "cross_entropy", "cross_entropy_low", "cross_entropy_high"} <= set(block)
        assert "brier" not in block


def test_groups_of_few_images_stay_out_of_the_gap(settings: Params) -> None:
    assert figures(settings, VALUES)["largest_gap"] == {"accuracy": pytest.approx(0.4), "between": ["M", "F"]}


def test_one_group_has_no_gap(settings: Params) -> None:
    gap = figures(settings, ["F"] * 22 + ["M"] * 3)["largest_gap"]
    assert files.rounded(gap) == {"accuracy": None, "between": []}


def test_equal_groups_have_a_gap_of_nothing_between_two() -> None:
    same = {name: {"accuracy": 0.5, "support": 20} for name in ("a", "b", "c")}
    assert subgroups.largest_gap(same) == {"accuracy": 0, "between": ["a", "c"]}
