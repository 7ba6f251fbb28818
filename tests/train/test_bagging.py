from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.results import networks
from medcnn.runtime import paths
from medcnn.train import bagging
from tests.lazy import lazy
from tests.project import stage
from tests.stages.training import CLASSES, STATE, digests, folded, project

averaging = lazy("medcnn.networks.averaging")
building = lazy("medcnn.networks.building")
forward = lazy("medcnn.networks.forward")
saving = lazy("medcnn.networks.saving")

STUDY = "phantom"
BRIEF = {"models__tiny__epochs": 2, "models__tiny__tta": "flips"}
FOLDS = (1, 2, 3, 4)


def made(folder: Path, model: str, **changes: Any) -> Path:
    """A project in which the folds of a model are to be trained."""
    folder = folded(project(folder, **{**BRIEF, **changes}))
    stage(folder, "weights", model)
    return folder


@pytest.mark.parametrize("model", ["tiny", pytest.param("probe_lite0", marks=pytest.mark.slow)])
def test_no_image_is_predicted_by_a_network_that_was_trained_on_it(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made(tmp_path / "p", model))
    stage(Path(), "train", STUDY, f"{model}_folds")
    table = predictions.read(paths.predictions(STUDY) / f"{model}_folds.csv")
    record = networks.Trained.model_validate(files.read_json(paths.metrics("train", STUDY, f"{model}_folds")))
    assert record.networks == len(FOLDS)
    network, images = saving.load(paths.keras_model(STUDY, f"{model}_folds")), pack.images(paths.prepared(STUDY))
    answers = forward.forward(network, images)
    training = np.asarray(table.splits == "train")
    np.testing.assert_allclose(table.probabilities[~training], answers[~training], atol=1e-5)
    fold = manifest.used(paths.manifest(STUDY), "fold")["fold"].to_numpy()
    views = [images[:], images[:][:, :, ::-1]] if model == "tiny" else [images[:]]
    features = [building.extractor(network).predict(view.astype(np.float32), verbose=0) for view in views]
    for place, number in enumerate(FOLDS):
        head = network.get_layer("head").get_layer(f"head_{place + 1}")
        # Whole networks have a backbone of their own each, a frozen one is shared.
        own = [head(found[:, place] if model == "tiny" else found) for found in features]
        unseen = training & (fold == number)
        np.testing.assert_allclose(table.probabilities[unseen], np.mean(own, axis=0)[unseen], atol=1e-5)


def test_killed_before_the_mean_is_written_nothing_is_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(tmp_path / "p", "tiny")
    shutil.copytree(folder, tmp_path / "undisturbed")
    assert stage(tmp_path / "undisturbed", "train", STUDY, "tiny_folds").count("Epoch 2/") == len(FOLDS)
    with monkeypatch.context() as patch:
        patch.setattr(bagging, "_recorded", None)
        with pytest.raises(TypeError):
            stage(folder, "train", STUDY, "tiny_folds")
    assert "Epoch" not in stage(folder, "train", STUDY, "tiny_folds")
    assert digests(folder) == digests(tmp_path / "undisturbed")
    assert not list((folder / STATE / "backup").glob("*.npz"))


def test_what_is_distilled_learns_what_its_fold_ensemble_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made(tmp_path / "p", "tiny", models__tiny__epochs=20, models__tiny__loss="cross_entropy"))
    with pytest.raises(MedcnnError, match=r"tiny_folds\.csv not found"):
        stage(Path(), "train", STUDY, "tiny_distilled")
    rows = manifest.read(paths.manifest(STUDY))
    # Validation agrees with the teacher, so that the last epoch is the best.
    manifest.write(
        paths.manifest(STUDY), rows.assign(label=rows["label"].mask(rows["split"] == "validation", "nodule"))
    )
    rows = manifest.used(paths.manifest(STUDY))
    only_nodules = np.eye(4)[np.full(len(rows), CLASSES.index("nodule"))]
    folder = paths.predictions(STUDY)
    predictions.write(folder / "tiny_folds.csv", Predictions.of_rows(rows, CLASSES, only_nodules))
    stage(Path(), "train", STUDY, "tiny_distilled")
    nodules = predictions.read(folder / "tiny_distilled.csv").of("train").probabilities.mean(axis=0)[1]
    # A quarter of the images are nodules by their labels, which are half of what is learnt, and all by the other half.
    assert nodules > 0.5


def test_a_class_in_one_fold_alone_and_another_fold_of_an_ensemble_are_refused(tmp_path: Path) -> None:
    folder = made(tmp_path / "p", "tiny")
    rows = manifest.read(folder / paths.manifest(STUDY))
    rows.loc[(rows["label"] == "nodule") & (rows["fold"] > 1), "split"] = "validation"
    manifest.write(folder / paths.manifest(STUDY), rows)
    with pytest.raises(MedcnnError, match=r"run.fold_ensembles: .*'nodule' image in train without fold 1"):
        stage(folder, "train", STUDY, "tiny_folds")
    with pytest.raises(MedcnnError, match="tiny_folds"):
        stage(folder, "crossval", STUDY, "tiny_folds", "1", "0")
