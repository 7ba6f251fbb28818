from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from medcnn.core import files
from medcnn.dataset import manifest, pack, predictions
from medcnn.results import networks
from medcnn.runtime import paths
from stages import train, weights
from tests.lazy import lazy
from tests.project import ROOT
from tests.stages.training import CLASSES, project, trained

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


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a probe."""
    return trained(project(tmp_path_factory.mktemp("probed")), "probe_lite0")


def test_a_probe_is_one_layer_fitted_without_epochs(probed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(probed)
    record = networks.Trained.model_validate(files.read_json(paths.metrics("train", STUDY, "probe_lite0")))
    assert (record.epochs, record.best_epoch) == (0, 0)
    assert record.strength > 0
    assert record.accuracy["train"] > 0.9
    table = predictions.read(paths.predictions(STUDY) / "probe_lite0.csv")
    training = table.of("train")
    assert (training.probabilities.argmax(axis=1) == training.labels).mean() == pytest.approx(record.accuracy["train"])
    model = saving.load(paths.keras_model(STUDY, "probe_lite0"))
    # The maps before each halving, and the last.
    kernel = model.get_layer("head").get_layer("probabilities").kernel
    assert kernel.shape == (96 + 144 + 240 + 672 + 1280, len(CLASSES))
    answers = forward.forward(model, pack.images(paths.prepared(STUDY)))
    np.testing.assert_allclose(answers, table.probabilities, atol=1e-5)
    # It was written without Keras.
    saving.save(model, Path("by_keras.keras"))
    assert paths.keras_model(STUDY, "probe_lite0").read_bytes() == Path("by_keras.keras").read_bytes()


def test_another_probe_on_the_same_features_needs_no_tensorflow(probed: Path, tmp_path: Path) -> None:
    project(tmp_path, models__probe_lite0__class_weights=True, models__probe_lite0__monitor="auroc")
    for part in (".dvc", "data/weights"):
        shutil.copytree(probed / part, tmp_path / part)
    program = "import sys; sys.modules.update(dict.fromkeys(('tensorflow', 'keras'))); from stages import train; "
    subprocess.run(
        [sys.executable, "-c", program + f"train.main('{STUDY}', 'probe_lite0')"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
    )
    model = paths.keras_model(STUDY, "probe_lite0")
    assert (tmp_path / model).stat().st_size == (probed / model).stat().st_size


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
