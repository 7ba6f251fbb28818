from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset import folds, manifest
from medcnn.dataset.manifest import Row
from medcnn.runtime import paths
from tests.dataset.test_manifest import ROW


def study(parts: dict[str, tuple[str, ...]], labels: tuple[str, ...]) -> list[Row]:
    """A study in the working folder whose images have these parts."""
    rows = [
        replace(ROW, image_id=name, path=name, label=label, split=of_image[0])
        for (name, of_image), label in zip(parts.items(), labels, strict=True)
    ]
    aside = replace(ROW, image_id="aside", status=manifest.SET_ASIDE, split="", fold=-1)
    manifest.write(paths.manifest("s"), [*rows, aside])
    folds.write(paths.folds("s"), parts)
    return rows


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


PARTS = {
    "b": ("train", "test", "train"),
    "a": ("train", "train", "test"),
    "d": ("validation", "validation", "validation"),
    "c": ("test", "", ""),
}


def test_the_file_has_a_line_an_image_and_a_column_a_fold() -> None:
    study(PARTS, ("x", "x", "x", "x"))
    lines = paths.folds("s").read_text().splitlines()
    assert lines[0] == "image_id,fold_0,fold_1,fold_2"
    assert lines[1] == "b,train,test,train"
    assert lines[4] == "c,test,,"
    assert folds.read(paths.folds("s")) == PARTS


def test_rows_take_the_parts_of_the_fold_in_the_manifests_order() -> None:
    rows = study(PARTS, ("x", "x", "x", "x"))
    assert folds.rows("s", 0) == rows
    assert [(row.image_id, row.split) for row in folds.rows("s", 1)] == [
        ("b", "test"), ("a", "train"), ("d", "validation"), ("c", ""),
    ]  # fmt: skip


def test_a_fold_that_cannot_teach_or_choose_a_class_says_so() -> None:
    study(PARTS, ("x", "y", "x", "y"))
    with pytest.raises(MedcnnError, match=r"run\.folds: fold 1 of s has no 'x' image in train; leave it out"):
        folds.rows("s", 1)
