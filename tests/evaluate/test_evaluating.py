from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import predictions
from medcnn.dataset.folds import MAIN
from medcnn.dataset.predictions import Predictions
from medcnn.evaluate import evaluating
from medcnn.evaluate.evidence import Evidence
from medcnn.measures import metrics
from medcnn.params import whole
from medcnn.params.judging.figures import FIGURES
from medcnn.results.ensembles import Combined

ROOT = Path(__file__).parents[2]
SPLITS = ("train", "validation", "test")


def table(classes: tuple[str, ...], images: int = 60) -> Predictions:
    rng = np.random.default_rng(1)
    labels = np.arange(images) % len(classes)
    scores = rng.random((images, len(classes))) + 0.4 * np.eye(len(classes))[labels]
    splits = tuple(SPLITS[(index // len(classes)) % 3] for index in range(images))
    ids = tuple(f"image_{index}" for index in range(images))
    return Predictions(classes, ids, splits, labels, scores / scores.sum(axis=1, keepdims=True))


def evidence(of: Predictions, images_a_group: int = 1, **changes: Any) -> Evidence:
    settings = whole.load(ROOT / "params.yaml").evaluate.model_copy(update={"resamples": 200})
    names = [f"group_{int(name.removeprefix('image_')) // images_a_group}" for name in of.image_ids]
    groups = pd.Series(names, of.image_ids)
    known = {
        "groups": groups,
        "patients": False,
        "subgroups": pd.DataFrame(),
        "fold_0_apart": False,
        "settings": settings,
    }
    return Evidence(**known | {"seed": 1} | changes)


def evaluated(of: Predictions, **known: Any) -> dict[str, Any]:
    return evaluating.evaluated(*evaluating.parted(of), evidence(of, **known)).figures


def record(study: str, tables: dict[str, Predictions], macs: dict[str, int]) -> None:
    first, known = next(iter(tables)), evidence(next(iter(tables.values())))
    with tempfile.TemporaryDirectory() as folder:
        paths = {model: Path(folder) / f"{model}.csv" for model in tables}
        for model, of in tables.items():
            predictions.write(paths[model], of)
        raw = evaluating.Collected(first, predictions.read(paths[first]), paths)
        judged = evaluating.judged(raw, {model: {MAIN: None} for model in tables}, known, whole.Compute())
    alone = Combined(combiners={}, chosen=None, cascades={}, macs=macs)
    evaluating.record(study, judged, alone, list(tables), known)


@pytest.mark.parametrize("classes", [("no", "yes"), ("a", "b", "c", "d")])
def test_every_split_is_scored_on_its_own_images(classes: tuple[str, ...]):
    predicted = table(classes)
    figures = evaluated(predicted)
    for split in SPLITS:
        part = predicted.of(split)
        right = part.probabilities.argmax(axis=1) == part.labels
        assert figures[split]["accuracy"] == pytest.approx(right.mean())
        assert figures[split]["support"] == len(right) == 20
        assert list(figures[split]["classes"]) == list(classes)
    published = metrics.published_scores(*(figures[split]["accuracy"] for split in SPLITS))
    assert {key: figures[key] for key in published} == published


@pytest.mark.parametrize("split", ["validation", "test"])
def test_held_out_figures_lie_inside_their_intervals(split: str):
    block = evaluated(table(("a", "b", "c")))[split]
    for key in ("accuracy", "balanced_accuracy", "auroc", "cross_entropy", "brier"):
        assert block[f"{key}_low"] < block[key] < block[f"{key}_high"]


def test_images_of_few_patients_tell_less():
    predicted = table(("no", "yes"))
    alone, grouped = (evaluated(predicted, images_a_group=size, patients=True)["test"] for size in (1, 4))
    assert alone["accuracy"] == grouped["accuracy"]
    assert (alone["groups"], grouped["groups"]) == (20, 10)
    assert grouped["accuracy_high"] - grouped["accuracy_low"] != alone["accuracy_high"] - alone["accuracy_low"]
    assert "patient_accuracy_low" in evaluating.headline(evaluated(predicted, patients=True))


def test_what_is_decided_on_validation_ignores_test():
    predicted = table(("no", "yes"))
    turned = predicted.probabilities.copy()
    test = [row for row, split in enumerate(predicted.splits) if split == "test"]
    turned[test] = turned[test][:, ::-1]
    other = Predictions(predicted.classes, predicted.image_ids, predicted.splits, predicted.labels, turned)
    one, two = evaluated(predicted), evaluated(other)
    assert one["calibration"]["temperature"] == two["calibration"]["temperature"]
    assert one["conformal"]["threshold"] == two["conformal"]["threshold"]
    assert one["operating_points"]["yes"]["threshold"] == two["operating_points"]["yes"]["threshold"]
    assert one["test"]["accuracy"] != two["test"]["accuracy"]


def test_subgroups_are_the_test_images_by_column():
    predicted = table(("no", "yes"))
    sex = [("f", "m")[row // 2 % 2] for row in range(len(predicted))]
    groups = pd.DataFrame({"sex": sex}, predicted.image_ids)
    block = evaluated(predicted, subgroups=groups)["subgroups"]["sex"]
    assert sum(group["support"] for group in block["groups"].values()) == 20
    assert set(block["groups"]) == {"f", "m"}


def test_an_image_that_the_manifest_lacks_is_named():
    predicted = table(("no", "yes"))
    with pytest.raises(MedcnnError, match="image image_2 of the predictions is not in the manifest"):
        evaluated(predicted, groups=pd.Series({"image_0": "a", "image_1": "b"}))


def test_the_headline_of_two_classes_counts_the_errors_of_the_positive_one():
    figures = evaluated(table(("healthy", "tumour")))
    line = evaluating.headline(figures)
    assert line["false_negatives"] == figures["test"]["classes"]["tumour"]["false_negatives"]
    assert line["false_positives"] == figures["test"]["classes"]["tumour"]["false_positives"]
    assert line["validation_accuracy"] == figures["validation"]["accuracy"]
    assert line["auroc"] == figures["test"]["auroc"]


def test_the_headline_of_more_classes_has_no_positive_one():
    line = evaluating.headline(evaluated(table(("a", "b", "c"))))
    keys = [
        key
        for figure in FIGURES
        if figure.headline and not (figure.by_patient or figure.of_findings)
        for key in figure.keys
    ]
    assert sorted(line) == sorted([*keys, "validation_accuracy"])


def test_models_of_an_earlier_run_leave_no_metrics(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    predicted = table(("no", "yes"))
    record("brain_mri", {"simple": predicted, "deep": predicted}, {"simple": 1, "deep": 2})
    record("brain_mri", {"simple": predicted}, {"simple": 1, "deep": 2})
    assert [path.name for path in (tmp_path / "metrics/evaluate/brain_mri").iterdir()] == ["simple.json"]
    assert list(files.read_json(tmp_path / "metrics/evaluate/brain_mri.json")) == ["simple"]


def test_a_models_cost_stands_beside_its_accuracy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    macs = {"a": 10, "b": 100, "a_b_cascade": 47}
    record("phantom", dict.fromkeys(macs, table(("no", "yes"))), macs)
    folder = tmp_path / "metrics/evaluate/phantom"
    assert {path.stem: files.read_json(path)["mean_macs"] for path in folder.iterdir()} == macs


def test_order_of_rows_changes_nothing(tmp_path, monkeypatch):
    predicted = table(("a", "b", "c"))
    shuffled = predicted.at([int(index) for index in np.random.default_rng(0).permutation(60)])
    written = []
    for name, first in (("one", predicted), ("two", shuffled)):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        record("phantom", predictions.joined({"simple": first, "deep": predicted}.items()), {"simple": 1, "deep": 2})
        written.append(
            {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        )
    assert written[0] == written[1]
