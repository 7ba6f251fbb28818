from __future__ import annotations

import numpy as np
import pytest

from medcnn import evaluating, files, metrics, predictions
from medcnn.predictions import Predictions


def table(classes: tuple[str, ...], images: int = 60) -> Predictions:
    rng = np.random.default_rng(1)
    labels = np.arange(images) % len(classes)
    scores = rng.random((images, len(classes))) + 0.4 * np.eye(len(classes))[labels]
    splits = tuple(("train", "validation", "test")[(index // len(classes)) % 3] for index in range(images))
    ids = tuple(f"image_{index}" for index in range(images))
    return Predictions(classes, ids, splits, labels, scores / scores.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", "c", "d")])
def test_every_split_is_scored_on_its_own_images(classes: tuple[str, ...]):
    predicted = table(classes)
    figures = evaluating.evaluated(predicted)
    for split in ("train", "validation", "test"):
        part = predicted.of(split)
        right = part.probabilities.argmax(axis=1) == part.labels
        assert figures[split]["accuracy"] == pytest.approx(right.mean())
        assert figures[split]["support"] == len(right) == 20
        assert list(figures[split]["classes"]) == list(classes)
    published = metrics.published_scores(*(figures[split]["accuracy"] for split in ("train", "validation", "test")))
    assert {key: figures[key] for key in published} == published


def test_the_headline_of_two_classes_counts_the_errors_of_the_positive_one():
    figures = evaluating.evaluated(table(("healthy", "tumour")))
    line = evaluating.headline(figures)
    assert line["false_negatives"] == figures["test"]["classes"]["tumour"]["false_negatives"]
    assert line["false_positives"] == figures["test"]["classes"]["tumour"]["false_positives"]
    assert line["validation_accuracy"] == figures["validation"]["accuracy"]
    assert line["auroc"] == figures["test"]["auroc"]


def test_the_headline_of_more_classes_has_no_positive_one():
    line = evaluating.headline(evaluating.evaluated(table(("a", "b", "c"))))
    assert sorted(line) == ["accuracy", "auroc", "balanced_accuracy", "brier", "cross_entropy", "validation_accuracy"]


def test_models_of_an_earlier_run_leave_no_metrics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    predicted = table(("no", "yes"))
    evaluating.record("brain_mri", {"simple": predicted, "deep": predicted}, {"simple": 1, "deep": 2})
    evaluating.record("brain_mri", {"simple": predicted}, {"simple": 1, "deep": 2})
    assert [path.name for path in (tmp_path / "metrics/evaluate/brain_mri").iterdir()] == ["simple.json"]
    assert list(files.read_json(tmp_path / "metrics/evaluate/brain_mri.json")) == ["simple"]


def test_a_models_cost_stands_beside_its_accuracy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    macs = {"a": 10, "b": 100, "a_b_cascade": 47}
    evaluating.record("phantom", dict.fromkeys(macs, table(("no", "yes"))), macs)
    folder = tmp_path / "metrics/evaluate/phantom"
    assert {path.stem: files.read_json(path)["mean_macs"] for path in folder.iterdir()} == macs


def test_order_of_rows_changes_nothing(tmp_path, monkeypatch):
    predicted = table(("a", "b", "c"))
    shuffled = predicted.at([int(index) for index in np.random.default_rng(0).permutation(60)])
    written = []
    for name, first in (("one", predicted), ("two", shuffled)):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        evaluating.record("phantom", predictions.joined({"simple": first, "deep": predicted}), {"simple": 1, "deep": 2})
        written.append(
            {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        )
    assert written[0] == written[1]
