from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medcnn.dataset import folds, manifest, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.results.base import read
from medcnn.results.careless import Careless
from medcnn.runtime import paths
from medcnn.split import placing
from stages import careless
from tests.project import shrink, stage
from tests.stages.training import CLASSES, project, trained

BRIEF = {"run__models": ["tiny"], "run__careless": ["tiny", "simple"], "models__tiny__epochs": 2}


def dealt(folder: Path, images: int) -> None:
    """Patients of so many images each, dealt whole as ``split`` would have, and image by image beside that."""
    rows = manifest.read(folder / paths.manifest("phantom"))
    patients = np.arange(len(rows)) // (4 * images) * 4 + np.arange(len(rows)) % 4
    parts = np.array(["train", "train", "test", "train", "validation"])[patients // 4 % 5]
    rows = rows.assign(group=[f"p{patient}" for patient in patients], split=parts)
    manifest.write(folder / paths.manifest("phantom"), rows)
    columns = {"fold_0": rows["split"].array, "fold_careless": placing.careless(rows, 7).array}
    folds.write(folder / paths.folds("phantom"), rows[["image_id"]].assign(**columns))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return project(tmp_path, **BRIEF)


def predictions_of(rows: pd.DataFrame) -> Predictions:
    """Predictions that always name the first class."""
    return Predictions.of_rows(rows, CLASSES, np.eye(4)[np.zeros(len(rows), int)])


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_model_of_the_run_is_trained_and_scored_on_both_splits(folder: Path) -> None:
    dealt(folder, images=3)
    trained(folder, "tiny")
    honest = (paths.predictions("phantom") / "tiny.csv").read_bytes()
    assert "plain random split would have reported" in stage(folder, "careless", "phantom", "tiny")
    found = read(paths.metrics("careless", "phantom", "tiny"), Careless)
    assert found.leaked == found.images > 5
    assert found.careless is not None
    table = predictions.read(folds.folder("phantom", "tiny", folds.CARELESS) / folds.PREDICTIONS).of("test")
    right = float(np.mean(table.probabilities.argmax(axis=1) == table.labels))
    assert found.careless.accuracy == pytest.approx(right, abs=1e-6)
    assert found.honest != found.careless
    assert (paths.predictions("phantom") / "tiny.csv").read_bytes() == honest


@pytest.mark.parametrize(("images", "named"), [(1, ["tiny"]), (3, [])])
def test_nothing_is_trained_where_nothing_more_leaks_or_the_run_does_not_ask(
    images: int, named: list[str], folder: Path
) -> None:
    shrink(folder, {"run.models": ["tiny"], "run.careless": named})
    dealt(folder, images)
    table = predictions_of(manifest.used(paths.manifest("phantom")))
    predictions.write(paths.predicted("phantom", "tiny"), table)
    careless.main("phantom", "tiny")
    found = read(paths.metrics("careless", "phantom", "tiny"), Careless)
    assert (found.leaked > 0, found.careless) == (images > 1, None)
    assert found.honest.accuracy == 0.25
    assert folds.folder("phantom", "tiny", folds.CARELESS).is_dir()
