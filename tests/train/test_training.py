from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.core import files
from medcnn.dataset import manifest, predictions
from medcnn.runtime import paths
from stages import train, weights
from tests.stages.training import CLASSES, project

pytestmark = pytest.mark.tensorflow

STUDY = "phantom"
BRIEF = {
    "studies__phantom__images__views__count": 1,
    "models__tiny__epochs": 2,
    "models__lite0__epochs": 2,
    "models__lite0__dense": [8],
}


@pytest.mark.parametrize("model", ["tiny", "lite0"])
def test_a_model_is_trained_whole_or_behind_a_frozen_backbone(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project(tmp_path / "project", **BRIEF))
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
    assert paths.keras_model(STUDY, model).is_file()
