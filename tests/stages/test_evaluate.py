from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import sklearn.metrics

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import predictions
from medcnn.runtime import paths
from tests.project import run
from tests.report.example import Example, example


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def plots(made: Example) -> Path:
    return made.path(paths.plots("evaluate", made.study))


@pytest.mark.parametrize("study", ["phantom", "brain_mri"])
def test_metrics_are_those_of_the_predictions(tmp_path: Path, study: str):
    made = example(tmp_path, study).evaluate()
    figures = files.read_json(made.path(paths.metrics("evaluate", study)))
    assert sorted(figures) == sorted(made.models)
    for model in made.models:
        test = predictions.read(made.predictions_of(model)).of("test")
        chosen = test.probabilities.argmax(axis=1)
        accuracy = sklearn.metrics.accuracy_score(test.labels, chosen)
        assert figures[model]["test"]["accuracy"] == pytest.approx(accuracy, abs=1e-6)
        headline = files.read_json(made.path(paths.metrics("evaluate", study, model)))
        assert headline["accuracy"] == figures[model]["test"]["accuracy"]
        assert ("false_negatives" in headline) == (study == "brain_mri")


def test_plots_hold_every_model_and_class(tmp_path: Path):
    made = example(tmp_path).evaluate()
    confusion = rows(plots(made) / "confusion.csv")
    assert len(confusion) == len(made.models) * len(made.classes) ** 2
    of_simple = np.array([int(row["images"]) for row in confusion if row["model"] == "simple"])
    test = predictions.read(made.predictions_of("simple")).of("test")
    expected = sklearn.metrics.confusion_matrix(test.labels, test.probabilities.argmax(axis=1))
    np.testing.assert_array_equal(of_simple.reshape(4, 4), expected)
    for name, columns in (
        ("roc", ["model", "class", "false_positive_rate", "true_positive_rate"]),
        ("pr", ["model", "class", "recall", "precision"]),
    ):
        points = rows(plots(made) / f"{name}.csv")
        assert list(points[0]) == columns
        drawn = {(row["model"], row["class"]) for row in points}
        assert drawn == {(model, name) for model in made.models for name in made.classes}


def test_two_classes_have_one_curve_each(tmp_path: Path):
    made = example(tmp_path, "brain_mri").evaluate()
    assert {row["class"] for row in rows(plots(made) / "roc.csv")} == {"tumour"}


def test_a_second_run_writes_the_same_bytes(tmp_path: Path):
    made = example(tmp_path).evaluate()
    outputs = [path for folder in ("metrics", "plots") for path in (tmp_path / folder).rglob("*.*")]
    before = {path: path.read_bytes() for path in outputs}
    made.evaluate()
    assert {path: path.read_bytes() for path in outputs} == before


def test_a_class_absent_from_test_is_null(tmp_path: Path):
    made = example(tmp_path, absent="nodule").evaluate()
    test = files.read_json(made.path(paths.metrics("evaluate", made.study)))["simple"]["test"]
    assert test["auroc"] is None
    assert test["classes"]["nodule"]["recall"] is None
    assert test["classes"]["nodule"]["support"] == 0
    assert 0 < test["balanced_accuracy"] < 1
    assert "nodule" not in {row["class"] for row in rows(plots(made) / "roc.csv")}


def test_predictions_of_a_model_that_left_the_run_are_dropped(tmp_path: Path):
    made = example(tmp_path)
    stale = made.predictions_of("vgg16")
    predictions.write(stale, predictions.read(made.predictions_of("simple")))
    made.evaluate()
    assert not stale.exists()
    assert "vgg16" not in files.read_json(made.path(paths.metrics("evaluate", made.study)))


def test_a_missing_model_is_one_clear_line(tmp_path: Path):
    made = example(tmp_path)
    made.predictions_of("lite0_relay_chain").unlink()
    done = run(tmp_path, "stages.evaluate", made.study)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "data/predictions/phantom/lite0_relay_chain.csv" in done.stderr
    assert not made.path(paths.metrics("evaluate", made.study)).exists()


def test_a_model_that_lacks_an_image_is_one_clear_line(tmp_path: Path):
    made = example(tmp_path)
    path = made.predictions_of("lite0")
    *kept, last = path.read_text().splitlines(keepends=True)
    path.write_text("".join(kept))
    with pytest.raises(MedcnnError, match=f"lite0.* {last.split(',')[0]} "):
        made.evaluate()


def test_predictions_with_other_classes_than_the_study_are_refused(tmp_path: Path):
    made = example(tmp_path, "brain_mri")
    for model in made.models:
        path = made.predictions_of(model)
        path.write_text(path.read_text().replace("tumour", "lesion"))
    with pytest.raises(MedcnnError, match=r"healthy, lesion.*studies\.brain_mri\.labels\.classes.*healthy, tumour"):
        made.evaluate()


def test_an_unknown_study_is_answered_with_the_list(tmp_path: Path):
    example(tmp_path)
    done = run(tmp_path, "stages.evaluate", "phantasm")
    assert done.returncode == 2
    assert "did you mean 'phantom'? choose from phantom, " in done.stderr
