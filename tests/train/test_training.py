from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.core import files
from medcnn.dataset import manifest, pack, predictions
from medcnn.results import networks
from medcnn.runtime import paths
from stages import train, weights
from tests.lazy import lazy
from tests.stages.training import CLASSES, project

forward = lazy("medcnn.networks.forward")
saving = lazy("medcnn.networks.saving")

STUDY = "phantom"
BRIEF = {
    "studies__phantom__images__views__count": 1,
    "models__tiny__epochs": 2,
    "models__lite0__epochs": 2,
    "models__lite0__dense": [8],
}
"""Trainings that take no time."""


@pytest.mark.parametrize(("model", "tta"), [("tiny", "flips"), ("lite0", "views")])
def test_a_model_is_trained_whole_or_behind_a_frozen_backbone(
    model: str, tta: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path / "project", **BRIEF, **{f"models__{model}__tta": tta}))
    weights.main(model)
    train.main(STUDY, model)
    table = predictions.read(paths.predictions(STUDY) / f"{model}.csv")
    rows = manifest.used(paths.manifest(STUDY), "image_id", "label", "split")
    assert list(table.image_ids) == rows["image_id"].tolist()
    assert [CLASSES[label] for label in table.labels] == rows["label"].tolist()
    np.testing.assert_allclose(table.probabilities.sum(axis=1), 1, atol=1e-4)
    record = files.read_json(paths.metrics("train", STUDY, model))
    assert record["epochs"] == 2
    assert record["accuracy"].keys() == {"train", "validation"}
    assert (record["trainable_parameters"] < record["parameters"]) == (model == "lite0")
    # Views are part of the file.
    answers = forward.forward(saving.load(paths.keras_model(STUDY, model)), pack.images(paths.prepared(STUDY)))
    np.testing.assert_allclose(answers, table.probabilities, atol=1e-4)


def test_a_probe_is_one_layer_fitted_without_epochs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project(tmp_path / "project"))
    weights.main("probe_lite0")
    train.main(STUDY, "probe_lite0")
    record = networks.Trained.model_validate(files.read_json(paths.metrics("train", STUDY, "probe_lite0")))
    assert (record.epochs, record.best_epoch) == (0, 0)
    assert record.strength > 0
    assert record.accuracy["train"] > 0.9
    table = predictions.read(paths.predictions(STUDY) / "probe_lite0.csv")
    training = table.of("train")
    assert (training.probabilities.argmax(axis=1) == training.labels).mean() == pytest.approx(record.accuracy["train"])
    kernel = saving.load(paths.keras_model(STUDY, "probe_lite0")).get_layer("head").get_layer("probabilities").kernel
    # The maps before each halving, and the last.
    assert kernel.shape == (96 + 144 + 240 + 672 + 1280, len(CLASSES))


def test_a_probe_may_be_finetuned_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finetuned = {
        f"models__probe_lite0__finetune__{key}": value for key, value in (("epochs", 1), ("unfreeze_from", 110))
    }
    monkeypatch.chdir(project(tmp_path / "project", **finetuned))
    weights.main("probe_lite0")
    train.main(STUDY, "probe_lite0")
    record = networks.Trained.model_validate(files.read_json(paths.metrics("train", STUDY, "probe_lite0")))
    assert record.epochs == 1
    assert record.best_epoch in (0, 1)
    assert record.strength > 0
