from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from medcnn import files, layout, predictions
from tests.project import ROOT, SIZE, prepared_study, run, shrink

CLASSES = ("healthy", "nodule", "spiculated", "ground_glass")
BACKUPS = ".dvc/tmp/medcnn/backup"
SHRUNK = {"studies.phantom.image_size": SIZE, "models.tiny.epochs": 6, "models.lite0.epochs": 4}


def project(folder: Path, **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    shrink(folder, SHRUNK | {key.replace("__", "."): value for key, value in changes.items()})
    prepared_study(folder, "phantom", CLASSES)
    return folder


def trained(folder: Path, model: str) -> Path:
    for stage, arguments in (("weights", [model]), ("train", ["phantom", model])):
        done = run(folder, f"stages.{stage}", *arguments)
        assert done.returncode == 0, done.stderr
    return folder


def interrupted(folder: Path, model: str) -> None:
    """Start a training and kill it after its first epochs."""
    assert run(folder, "stages.weights", model).returncode == 0
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.train", "phantom", model],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not list((folder / BACKUPS).glob("*/epoch_0002")) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list((folder / BACKUPS).glob("*/epoch_*")), "it was over before it could be killed"


def digests(folder: Path) -> dict[str, str]:
    outputs = [path for path in folder.rglob("*") if path.is_file() and ".dvc" not in path.parts]
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in outputs}


@pytest.mark.slow
@pytest.mark.parametrize("model", ["tiny", "lite0"])
def test_the_same_inputs_give_the_same_bytes(tmp_path: Path, model: str) -> None:
    one, other = (trained(project(tmp_path / name), model) for name in ("one", "other"))
    assert digests(one) == digests(other)
    assert str(layout.keras_model("phantom", model)) in digests(one)


@pytest.mark.slow
def test_a_training_killed_half_way_goes_on_and_ends_with_the_same_bytes(tmp_path: Path) -> None:
    undisturbed = trained(project(tmp_path / "undisturbed"), "tiny")
    killed = project(tmp_path / "killed")
    interrupted(killed, "tiny")
    assert not (killed / layout.keras_model("phantom", "tiny")).exists()
    resumed = run(killed, "stages.train", "phantom", "tiny")
    assert resumed.returncode == 0, resumed.stderr
    assert "Epoch 1/" not in resumed.stdout
    assert digests(killed) == digests(undisturbed)
    assert not list((killed / BACKUPS).iterdir())


@pytest.mark.slow
def test_an_interrupted_training_is_not_gone_on_with_under_another_policy(tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    interrupted(folder, "tiny")
    shrink(folder, {**SHRUNK, "augment.light.rotation": 40})
    fresh = run(folder, "stages.train", "phantom", "tiny")
    assert fresh.returncode == 0, fresh.stderr
    assert "Epoch 1/" in fresh.stdout


@pytest.mark.slow
def test_a_second_head_never_runs_the_backbone_again(tmp_path: Path) -> None:
    folder = trained(project(tmp_path / "p"), "lite0")
    cached = {path: path.stat().st_mtime_ns for path in (folder / ".dvc/tmp/medcnn/features").iterdir()}
    assert len(cached) == 2
    before = digests(folder)[str(layout.keras_model("phantom", "lite0"))]
    shrink(folder, {**SHRUNK, "models.lite0.dropout": 0.5})
    trained(folder, "lite0")
    assert {path: path.stat().st_mtime_ns for path in (folder / ".dvc/tmp/medcnn/features").iterdir()} == cached
    assert digests(folder)[str(layout.keras_model("phantom", "lite0"))] != before


@pytest.mark.slow
def test_predictions_cover_every_image_and_are_those_of_the_saved_model(tmp_path: Path) -> None:
    import keras

    folder = trained(project(tmp_path / "p"), "lite0")
    table = predictions.read(folder / layout.predictions("phantom") / "lite0.csv")
    assert table.classes == CLASSES
    assert len(table.image_ids) == 60
    model = keras.saving.load_model(folder / layout.keras_model("phantom", "lite0"))
    images = np.load(folder / layout.prepared("phantom") / "images.npy").astype(np.float32)
    assert model.predict(images, verbose=0) == pytest.approx(table.probabilities, abs=1e-5)
    facts = files.read_json(folder / layout.metrics("train", "phantom", "lite0"))
    assert facts["parameters"] - facts["trainable_parameters"] > 3_000_000


@pytest.mark.slow
def test_a_chain_trains_both_links_on_top_of_a_frozen_backbone(tmp_path: Path) -> None:
    folder = trained(project(tmp_path / "p", models__lite0__dense=[16], models__relay__epochs=2), "lite0")
    done = run(folder, "stages.chain", "phantom", "lite0")
    assert done.returncode == 0, done.stderr
    facts = files.read_json(folder / layout.metrics("train", "phantom", "lite0_chain"))
    assert facts["trainable_parameters"] == (1280 + 1) * 16 + (16 + 1) * 64 + (64 + 1) * 4
    assert predictions.read(folder / layout.predictions("phantom") / "lite0_chain.csv").classes == CLASSES


@pytest.mark.slow
def test_a_frozen_network_without_views_to_train_on_says_what_to_change(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", models__lite0__augment="brain_mri")
    assert run(folder, "stages.weights", "lite0").returncode == 0
    done = run(folder, "stages.train", "phantom", "lite0")
    assert done.returncode == 1
    assert done.stderr.startswith("error: models.lite0.augment: a frozen network needs prepared views of 'brain_mri'")
    assert done.stderr.count("\n") == 1
