from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest
from medcnn.grouping import subgroups
from medcnn.runtime import paths
from stages import split
from tests.conftest import encoded, picture, zipped
from tests.project import shrink

WHERE = "studies.x.labels.subgroups"
IMAGES = pd.DataFrame({"image_id": ["1", "2"], "path": ["a.png", "b.png"]})


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
    table = pd.DataFrame({"sex": ["F", "M", ""], "scanner": ["GE ", "", ""]}, ["a.png", "b.png", "c.png"])
    assert subgroups.named(table, {"sex": (), "scanner": ()}, WHERE).to_dict() == {
        "sex": {"a.png": "F", "b.png": "M", "c.png": "unknown"},
        "scanner": {"a.png": "GE", "b.png": "unknown", "c.png": "unknown"},
    }


@pytest.mark.parametrize("value", ["old", "inf", "45Y"])
def test_a_word_among_numbers_is_one_line_with_the_key_path(value: str) -> None:
    with pytest.raises(MedcnnError, match=rf"^studies\.x\.labels\.subgroups\.age: .* '{value}'"):
        subgroups.named(pd.DataFrame({"age": ["50", value]}), {"age": (40.0,)}, WHERE)


def test_an_unknown_column_says_which_there_are() -> None:
    rows = pd.DataFrame({"file": ["", "a.png"], "sex": ["", "F"]})
    with pytest.raises(MedcnnError, match=r"^studies\.x\.labels\.subgroups\.gender: .*'gender'; it has file, sex$"):
        subgroups.named(rows, {"sex": (), "gender": ()}, WHERE)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    groups = pd.DataFrame({"sex": ["M", "F"], "age": ["unknown", "<40"]}, ["b.png", "a.png"])
    subgroups.write(path, IMAGES, groups)
    assert path.read_text() == "image_id,sex,age\n1,F,<40\n2,M,unknown\n"
    assert subgroups.read(path).to_dict() == {"sex": {"1": "F", "2": "M"}, "age": {"1": "<40", "2": "unknown"}}


def test_a_study_without_subgroups_has_the_ids_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    subgroups.write(path, IMAGES, pd.DataFrame())
    assert path.read_text() == "image_id\n1\n2\n"
    assert subgroups.read(path).shape == (2, 0)


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
    source = {"csv.file": "labels.csv", "csv.image": "file", "csv.label": "class"}
    labels = {**source, "classes": {"well": "healthy", "ill": "ill"}, "group": None, "subgroups": columns}
    changes = {f"labels.{key}": value for key, value in labels.items()} | {"split.folds": 2}
    shrink(folder, {f"studies.phantom.{key}": value for key, value in changes.items()})


def test_split_tells_the_subgroups_of_every_used_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study(tmp_path, {"sex": [], "age": [35, 45]})
    split.main("phantom")
    found = subgroups.read(paths.subgroups("phantom"))
    used = manifest.used(paths.manifest("phantom")).set_index("path")["image_id"]
    assert found.index.tolist() == used.tolist()
    assert len(used) == 20
    assert [found["sex"][used[f"{index}.png"]] for index in range(4)] == ["F", "M", "M", "F"]
    ages = [found["age"][used[f"{index}.png"]] for index in (0, 3, 5, 14, 15)]
    assert ages == ["<35", "unknown", "35-45", "35-45", ">=45"]


def test_split_refuses_a_column_that_is_not_there_before_it_looks_at_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study(tmp_path, {"scanner": []})
    message = r"^studies\.phantom\.labels\.subgroups\.scanner: .* no column 'scanner'; it has file, class, sex, age$"
    with pytest.raises(MedcnnError, match=message):
        split.main("phantom")
    assert not paths.manifest("phantom").exists()
