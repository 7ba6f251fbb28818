from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest
from tests.project import manifest_rows

ROWS = manifest_rows(
    [
        {"path": "a/b.png", "label": "yes", "split": "train", "fold": 2, "width": 3},
        {"path": 'odd, "name"\nü.png', "group": "", "status": "set_aside", "fold": -1, "reason": "unreadable"},
        {"path": "NA", "label": "nan", "split": "test", "fold": 0},
    ]
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    manifest.write(tmp_path / "s.csv", ROWS)
    return tmp_path / "s.csv"


def test_what_is_written_is_read_whatever_the_file_is_called(path: Path) -> None:
    assert manifest.read(path).equals(ROWS)
    assert manifest.used(path)["path"].tolist() == ["a/b.png", "NA"]
    assert manifest.used(path).index.tolist() == [0, 1]


def test_some_columns_may_be_read_alone(path: Path) -> None:
    assert manifest.used(path, "label", "fold").to_dict("list") == {"label": ["yes", "nan"], "fold": [2, 0]}
    assert manifest.groups(path).to_dict() == {
        ROWS["image_id"][0]: "a/b.png",
        ROWS["image_id"][2]: "NA",
    }


def test_a_file_with_other_columns_is_not_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("a,b\n1,2\n")
    with pytest.raises(MedcnnError, match="is not a manifest"):
        manifest.read(tmp_path / "s.csv")


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (",yes,", ",yes,surplus,", "line 2"),
        (",nan,", ",", "line 5"),
        (",2,3,", ",two,3,", "line 2: 'two'"),
    ],
)
def test_a_broken_row_is_named_by_its_line(path: Path, old: str, new: str, where: str) -> None:
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(MedcnnError) as refusal:
        manifest.used(path)
    assert f"{path} is not a manifest: {where}" in str(refusal.value)


def test_a_repeated_image_is_named(path: Path) -> None:
    first, last = ROWS["image_id"][0], ROWS["image_id"][2]
    path.write_text(path.read_text().replace(last, first, 1))
    with pytest.raises(MedcnnError, match=rf"image {first}: listed twice"):
        manifest.used(path, "label")


def test_groups_are_found_by_image(path: Path) -> None:
    groups = manifest.groups(path)
    assert manifest.of_images([ROWS["image_id"][2], ROWS["image_id"][0]], groups) == ["NA", "a/b.png"]
    with pytest.raises(MedcnnError, match=r"image stranger .* not in the manifest"):
        manifest.of_images(["stranger"], groups)


def test_image_ids_depend_on_the_path_alone_and_do_not_show_it() -> None:
    assert manifest.image_id("patient_smith.png") == manifest.image_id("patient_smith.png")
    assert "smith" not in manifest.image_id("patient_smith.png")
    assert len({manifest.image_id(f"{n}.png") for n in range(2000)}) == 2000
