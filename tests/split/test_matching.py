from __future__ import annotations

import pandas as pd
import pytest

from medcnn.core import tables
from medcnn.split.matching import Matched, matched


def match(names: list[str], files: list[str], *homes: str) -> Matched:
    return matched(pd.Series(names, dtype=tables.TEXT), pd.Series(files, dtype=tables.TEXT), homes)


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["a.png", "b.png"], ["x/a.png", "y/b.png"]),
        (["images\\a.png", ".\\images\\b.png"], ["images/a.png", "images/b.png"]),
        (["ISIC_1", "ISIC_2.5"], ["part_1/ISIC_1.jpg", "part_2/ISIC_2.5.jpg"]),
        (["a.JPG", "b.dcm", "c.nii"], ["a.jpg", "b.png", "c.nii.gz"]),
        (["a", "b.png", "c.IMG"], ["a.dat", "b.img", "c.bin"]),
        (["7", "12.0"], ["x/007.png", "x/12.png"]),
        (["7", "007"], ["7.png", "007.png"]),
        (["img7", "IMG08"], ["Img007.png", "img8.png"]),
        (["set/train/1.png", "set/test/1.png"], ["train/1.png", "test/1.png"]),
        (["/home/me/data/train/1.png", "/home/me/data/test/1.png"], ["mine/train/1.png", "mine/test/1.png"]),
        (["C:\\data\\a.png", "C:\\data\\b.png"], ["img/a.png", "img/b.png"]),
        (["https://host.org/set/a.png?raw=1", "s3://bucket/set/b.png"], ["set/a.png", "set/b.png"]),
        (["../x/a.png", "x//b.png"], ["x/a.png", "x/b.png"]),
        (["train/1.png", "1.png"], ["train/1.png", "set/1.png"][:1]),
        (["caf\u00e9.png"], ["cafe\u0301.png"]),
    ],
)
def test_a_name_is_the_end_of_a_path_or_a_path_the_end_of_a_name(names: list[str], files: list[str]) -> None:
    found = match(names, files)
    assert not found.ambiguous
    assert found.files.tolist()[: len(files)] == list(range(len(files)))


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["b/1.png", "c/2.png"], ["a/1.png", "a/3.png", "d/4.png"]),
        (["7.png", "007.png"], ["7.png"]),
        (["", "x"], ["a.png"]),
        (["1.png"], ["11.png"]),
    ],
)
def test_a_name_of_another_image_matches_nothing(names: list[str], files: list[str]) -> None:
    found = match(names, files)
    assert found.files[-1] == -1
    assert not found.ambiguous


def test_what_could_be_several_files_is_ambiguous_unless_the_tables_folder_decides() -> None:
    assert match(["1.png"], ["a/1.png", "b/1.png"]).ambiguous == (("1.png", "a/1.png"), ("1.png", "b/1.png"))
    assert match(["1.png"], ["a/1.png", "b/1.png"], "b").files.tolist() == [1]
    assert match(["a/1.png", "b/1.png"], ["1.png"]).ambiguous == (("a/1.png", "1.png"), ("b/1.png", "1.png"))


def test_rows_of_one_image_and_looser_spellings_are_counted() -> None:
    found = match(["a.png", "b", "a.png", "b"], ["x/b.jpg", "a.png"])
    assert found.files.tolist() == [1, 0, 1, 0]
    assert found.loosely == {"without suffixes": 1}


def test_one_file_name_in_many_folders_is_matched_by_folder() -> None:
    count = 2000
    names = [f"/kaggle/input/set/p{number}/image.png" for number in range(count)]
    found = match(names, [f"data/p{number}/image.png" for number in range(count)])
    assert found.files.tolist() == list(range(count))
