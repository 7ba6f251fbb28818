"""Labels that are wrong, or lost, without a word: each is said with its values and counts, or is right."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from tests.cases.outcome import NAMES, folders, numbered, outcome, table

CSV = {"file": "*labels.csv", "image": "file", "label": "dx"}


def test_names_of_folders_that_yaml_takes_for_numbers(tmp_path: Path) -> None:
    found = outcome(tmp_path, folders(names=("0", "1")), {0: "benign", 1: "malignant"})
    assert all(label == NAMES[int(path[0])] for path, label in found.labels().items())
    assert found.facts.used == 48


def test_names_that_yaml_does_not_keep_are_to_be_quoted(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match="quote False"):
        outcome(tmp_path, folders(names=("false", "true")), {False: "benign", True: "malignant"})


@pytest.mark.parametrize(
    ("name", "patterns"),
    [
        ("CXR_png/CHNCXR_{:04}_{}.png", ("*_0.png", "*_1.png")),
        ("all/{1}_{0:03}.png", ("0_*", "1_*")),
    ],
)
def test_classes_in_file_names(tmp_path: Path, name: str, patterns: tuple[str, str]) -> None:
    images = {name.format(number, number % 2): data for number, data in enumerate(numbered().values())}
    found = outcome(tmp_path, images, dict(zip(patterns, ("normal", "tuberculosis"), strict=True)))
    assert Counter(found.labels().values()) == {"normal": 20, "tuberculosis": 20}
    assert all(found.labels()[path] == ("normal", "tuberculosis")[number % 2] for number, path in enumerate(images))
    assert found.doubt("classes_from_file_names")


def test_a_folder_that_matches_patterns_of_two_classes_is_of_the_closer_one_and_said(tmp_path: Path) -> None:
    images = folders(20, ("NORMAL", "ABNORMAL", "ABNORMAL2"))
    found = outcome(tmp_path, images, {"*NORMAL": "normal", "ABNORMAL*": "abnormal"})
    assert Counter(found.labels().values()) == {"normal": 20, "abnormal": 40}
    assert "ABNORMAL" in found.warned("labels_of_two_classes").text


def test_an_exact_name_is_not_taken_by_a_pattern_before_it(tmp_path: Path) -> None:
    found = outcome(tmp_path, folders(names=("no_tumor", "tumor")), {"*tumor": "tumor", "no_tumor": "none"})
    assert Counter(found.labels().values()) == {"tumor": 24, "none": 24}


def test_values_of_no_class_are_named_with_their_counts(tmp_path: Path) -> None:
    values = ["benign", "malignant", "benign", "malignant", "Benign", "MALIGNANT", "", "benign ", "malignant", "benign"]
    rows = [("file", "dx"), *((f"img{number:03}.png", values[number % 10]) for number in range(60))]
    found = outcome(tmp_path, {**numbered(60), "labels.csv": table(rows)}, csv=CSV)
    doubt = found.warned("labels_of_no_class")
    assert doubt.count == 24
    for value in ("'Benign' 6", "'MALIGNANT' 6", "'' 6", "'benign ' 6"):
        assert value in doubt.text


def test_folders_of_no_class_are_named_with_their_counts(tmp_path: Path) -> None:
    found = outcome(tmp_path, {**folders(), **folders(5, ("Malignant2",), first=5000)})
    doubt = found.warned("labels_of_no_class")
    assert doubt.count == 5
    assert "Malignant2" in doubt.text


def test_a_class_without_images_is_refused_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match=r"malignent(.|\n)*malignant"):
        outcome(tmp_path, folders(), {"benign": "benign", "malignent": "malignant"})
