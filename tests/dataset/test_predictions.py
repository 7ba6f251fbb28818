from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset import predictions
from medcnn.dataset.predictions import Predictions
from medcnn.params.shared.classes import Findings
from tests.project import manifest_rows

TABLE = Predictions(
    ("healthy", "nodule", "mass, large"),
    ("a", "b", "c", "d"),
    ("train", "validation", "test", "test"),
    np.array([0, 1, 2, 0]),
    np.array([[0.7, 0.2, 0.1], [1 / 3, 1 / 3, 1 / 3], [0.0, 1e-9, 1 - 1e-9], [1.0, 0.0, 0.0]]),
)


def written(folder: Path, table: Predictions = TABLE, name: str = "simple") -> Path:
    path = folder / f"{name}.csv"
    predictions.write(path, table)
    return path


def both(folder: Path) -> dict[str, Path]:
    return {name: folder / f"{name}.csv" for name in ("simple", "deep")}


def changed(folder: Path, old: str, new: str) -> Path:
    path = written(folder)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def test_what_is_written_is_read_back(tmp_path: Path):
    read = predictions.read(written(tmp_path))
    assert read.classes == TABLE.classes
    assert read.image_ids.tolist() == TABLE.image_ids.tolist()
    assert read.splits.tolist() == TABLE.splits.tolist()
    assert read.labels.tolist() == TABLE.labels.tolist()
    np.testing.assert_allclose(read.probabilities, TABLE.probabilities, rtol=1e-7)


def test_columns_and_numbers_are_as_documented(tmp_path: Path):
    lines = written(tmp_path).read_text().splitlines()
    assert lines[0] == 'image_id,split,label,p_healthy,p_nodule,"p_mass, large"'
    assert lines[2] == "b,validation,nodule,0.33333333,0.33333333,0.33333333"


def test_a_split_keeps_the_order_of_its_images():
    test = TABLE.of("test")
    assert test.image_ids.tolist() == ["c", "d"]
    assert test.labels.tolist() == [2, 0]
    np.testing.assert_array_equal(test.probabilities, TABLE.probabilities[2:])


def test_a_mean_that_rounds_to_just_above_one_is_written_as_one(tmp_path: Path):
    probabilities = np.array([[1.0000000000000002, -1e-17, 0.0]])
    table = replace(TABLE.at([0]), probabilities=probabilities)
    assert predictions.read(written(tmp_path, table)).probabilities.tolist() == [[1.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.7,", "nan,", "image a: a probability is NaN"),
        ("0.7,0.2", "1.1,-0.2", "image a: a probability is outside 0..1"),
        ("0.7,", "0.7002,", "image a: the probabilities do not sum to 1"),
        ("0.7,", "much,", "line 2: 'much' is not a number (p_healthy)"),
        ("a,train", "b,train", "image b: listed twice"),
        ("a,train", "a,training", "image a: unknown split 'training'"),
        ("train,healthy", "train,well", "image a: unknown label 'well'"),
        ("0.7,", "", "line 2: 5 values for 6 columns"),
        ("p_nodule", "nodule", "is not a CSV of predictions"),
        ("p_nodule", "p_healthy", "is not a CSV of predictions"),
    ],
)
def test_a_faulty_table_is_refused_by_file_and_image(tmp_path: Path, old: str, new: str, message: str):
    path = changed(tmp_path, old, new)
    with pytest.raises(MedcnnError) as refusal:
        predictions.read(path)
    assert str(path) in str(refusal.value)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_rows_may_miss_one_by_rounding(tmp_path: Path):
    assert predictions.read(changed(tmp_path, "0.7,", "0.70009,")).probabilities[0, 0] == 0.70009


def test_an_empty_file_is_refused(tmp_path: Path):
    path = tmp_path / "simple.csv"
    path.touch()
    with pytest.raises(MedcnnError, match="is not a CSV of predictions"):
        predictions.read(path)


def test_a_missing_file_says_how_to_make_it(tmp_path: Path):
    with pytest.raises(MedcnnError, match=r"simple\.csv not found; run `dvc repro`"):
        predictions.read(tmp_path / "simple.csv")


def test_nan_is_not_written(tmp_path: Path):
    probabilities = TABLE.probabilities.copy()
    probabilities[2] = np.nan
    with pytest.raises(MedcnnError, match="image c: a probability is NaN"):
        written(tmp_path, replace(TABLE, probabilities=probabilities))
    assert not (tmp_path / "simple.csv").exists()


def test_models_are_joined_by_image_not_by_position(tmp_path: Path):
    written(tmp_path)
    written(tmp_path, TABLE.at([3, 1, 0, 2]), "deep")
    tables = predictions.read_all(both(tmp_path))
    assert tables["deep"].image_ids.tolist() == tables["simple"].image_ids.tolist()
    assert tables["deep"].labels.tolist() == tables["simple"].labels.tolist()
    np.testing.assert_array_equal(tables["deep"].probabilities, tables["simple"].probabilities)


@pytest.mark.parametrize(
    ("deep", "message"),
    [
        (TABLE.at([0, 1, 3]), "'deep' lack image c of 'simple'"),
        (replace(TABLE, image_ids=("a", "b", "c", "e")), "'deep' lack image d of 'simple'"),
        (replace(TABLE, splits=("train", "test", "test", "test")), "image b is 'nodule' in test for 'deep'"),
        (replace(TABLE, labels=np.array([0, 1, 2, 1])), "image d is 'nodule' in test for 'deep' but 'healthy'"),
        (replace(TABLE, classes=("healthy", "mass", "nodule")), "classes healthy, mass, nodule"),
    ],
)
def test_models_that_do_not_cover_the_same_truth_are_refused(tmp_path: Path, deep: Predictions, message: str):
    written(tmp_path)
    written(tmp_path, deep, "deep")
    with pytest.raises(MedcnnError) as refusal:
        predictions.read_all(both(tmp_path))
    assert message in str(refusal.value)


def test_an_image_that_only_the_second_model_has_is_named(tmp_path: Path):
    written(tmp_path, TABLE.at([0, 1, 2]))
    written(tmp_path, TABLE, "deep")
    with pytest.raises(MedcnnError, match="predictions of 'simple' lack image d of 'deep'"):
        predictions.read_all(both(tmp_path))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE.at([0, 1, 2]), "image d is missing for 'simple' but 'healthy' in test in the split"),
        (replace(TABLE, image_ids=("a", "b", "c", "e")), "image d is missing"),
        (replace(TABLE, labels=np.array([1, 1, 2, 0])), "image a is 'nodule' in train .* but 'healthy' in train"),
        (
            replace(TABLE, splits=("test", "validation", "test", "test")),
            "image a is 'healthy' in test .* but 'healthy' in train",
        ),
    ],
)
def test_predictions_of_another_split_are_refused(table: Predictions, message: str):
    truths = zip(TABLE.image_ids, TABLE.splits, TABLE.labels, strict=True)
    rows = manifest_rows(
        {"image_id": name, "path": name, "split": split, "label": TABLE.classes[label]} for name, split, label in truths
    )
    predictions.check_images("simple", TABLE, rows)
    with pytest.raises(MedcnnError, match=message):
        predictions.check_images("simple", table, rows)


def test_findings_are_written_and_read_back_each_probability_on_its_own(tmp_path: Path):
    table = Predictions(
        Findings(("mass", "fluid")),
        ("a", "b", "c"),
        ("train", "validation", "test"),
        np.array([[1, 1], [0, 0], [0, 1]]),
        np.array([[0.9, 0.8], [0.1, 0.05], [0.0, 1.0]]),
    )
    path = written(tmp_path, table)
    assert path.read_text().splitlines()[:3] == [
        "image_id,split,findings,p_mass,p_fluid", "a,train,mass|fluid,0.9,0.8", "b,validation,no finding,0.1,0.05",
    ]  # fmt: skip
    read = predictions.read(path)
    assert read.multi_label and read.classes == table.classes
    assert read.of("test").labels.tolist() == [[0, 1]]
    rows = manifest_rows([
        {"path": "a", "image_id": "a", "label": "mass|fluid", "split": "train"},
        {"path": "b", "image_id": "b", "label": "no finding", "split": "validation"},
        {"path": "c", "image_id": "c", "label": "mass", "split": "test"},
    ])  # fmt: skip
    with pytest.raises(MedcnnError, match=r"image c is 'fluid' in test.*'mass' in test"):
        predictions.check_images("simple", read, rows)


def test_an_unknown_finding_is_refused(tmp_path: Path):
    path = tmp_path / "p.csv"
    path.write_text("image_id,split,findings,p_mass,p_fluid\na,test,mass|air,0.5,0.5\n")
    with pytest.raises(MedcnnError, match=r"image a: unknown findings 'mass\|air'"):
        predictions.read(path)
