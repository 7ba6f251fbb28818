from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from medcnn.core import tables
from medcnn.core.errors import MedcnnError
from medcnn.dataset import folds, manifest
from medcnn.runtime import paths
from tests.project import manifest_rows


def study(parts: pd.DataFrame, labels: tuple[str, ...]) -> pd.DataFrame:
    """A study in the working folder whose images have these parts."""
    rows = [
        {"image_id": name, "path": name, "label": label, "split": part}
        for name, part, label in zip(parts["image_id"], parts["fold_0"], labels, strict=True)
    ]
    aside = {"image_id": "aside", "path": "aside", "status": manifest.SET_ASIDE, "fold": -1}
    manifest.write(paths.manifest("s"), manifest_rows([*rows, aside]))
    folds.write(paths.folds("s"), parts)
    return manifest_rows(rows)


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


PARTS = tables.frame(
    {
        "image_id": ["b", "a", "d", "c"],
        "fold_0": ["train", "train", "validation", "test"],
        "fold_1": ["test", "train", "validation", ""],
        "fold_2": ["train", "test", "validation", ""],
    },
    folds.SCHEMA,
)


def test_the_file_has_a_line_an_image_and_a_column_a_fold() -> None:
    study(PARTS, ("x", "x", "x", "x"))
    lines = paths.folds("s").read_text().splitlines()
    assert lines[0] == "image_id,fold_0,fold_1,fold_2"
    assert lines[1] == "b,train,test,train"
    assert lines[4] == "c,test,,"
    assert folds.read(paths.folds("s")).equals(PARTS)
    assert folds.read(paths.folds("s"), 2).equals(PARTS[["image_id", "fold_2"]])


def test_rows_take_the_parts_of_the_fold_in_the_manifests_order() -> None:
    rows = study(PARTS, ("x", "x", "x", "x"))
    assert folds.rows("s", 0).equals(rows)
    assert [(row.image_id, row.split) for row in folds.rows("s", 1).itertuples()] == [
        ("b", "test"), ("a", "train"), ("d", "validation"), ("c", ""),
    ]  # fmt: skip


def test_a_fold_that_cannot_teach_or_choose_a_class_says_so() -> None:
    study(PARTS, ("x", "y", "x", "y"))
    with pytest.raises(MedcnnError, match=r"run\.folds: fold 1 of s has no 'x' image in train; leave it out"):
        folds.rows("s", 1)
