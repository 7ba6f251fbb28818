from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from medcnn.core import files
from medcnn.dataset import manifest, pack, predictions
from medcnn.runtime import paths
from tests.project import ROOT, run, shrink, stage
from tests.stages.training import CLASSES, SHRUNK, STATE, digests, features, project, trained

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

UNDISTURBED = ("tiny", "lite0_finetuned", "best_lite0")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {model: tmp_path_factory.mktemp("whole") / model for model in UNDISTURBED}
    return {model: trained(project(folder), model) for model, folder in folders.items()}


@pytest.fixture(scope="module")
def lite0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained(project(tmp_path_factory.mktemp("lite0") / "p"), "lite0")


def interrupted(folder: Path, model: str, phase: int = 1) -> Path:
    """Start a training and kill it as soon as a phase has a backup."""
    stage(folder, "weights", model)
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.train", "phantom", model],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 180
    while not backup_files(folder, phase) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert backup_files(folder, phase), "it was over before it could be killed"
    assert not (folder / paths.keras_model("phantom", model)).exists()
    return folder


def backup_files(folder: Path, phase: int | str = "*") -> list[Path]:
    return list((folder / STATE / "backup").glob(f"[!.]*-{phase}.npz"))


def weights(folder: Path, model: str) -> list[np.ndarray]:
    import keras

    loaded = keras.saving.load_model(folder / paths.keras_model("phantom", model))
    return [np.asarray(weight) for weight in loaded.get_weights()]


def history(folder: Path, model: str) -> list[dict[str, str]]:
    with (folder / paths.plots("train", "phantom", model) / "history.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("model", "phase"), [("tiny", 1), ("lite0_finetuned", 1), ("lite0_finetuned", 2), ("best_lite0", 1)]
)
def test_a_training_killed_anywhere_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, undisturbed: dict[str, Path], model: str, phase: int
) -> None:
    killed = interrupted(project(tmp_path / "killed"), model, phase)
    assert "Epoch 1/" not in stage(killed, "train", "phantom", model)
    assert digests(killed) == digests(undisturbed[model])
    assert not backup_files(killed)


def test_an_interrupted_training_is_not_gone_on_with_under_another_policy(tmp_path: Path) -> None:
    folder = interrupted(project(tmp_path / "p"), "tiny")
    shrink(folder, {**SHRUNK, "augment.light.rotation": 40})
    assert "Epoch 1/" in stage(folder, "train", "phantom", "tiny")


def test_finetuning_trains_the_later_layers_of_the_backbone(undisturbed: dict[str, Path], lite0: Path) -> None:
    lines, frozen = history(undisturbed["lite0_finetuned"], "lite0_finetuned"), history(lite0, "lite0")
    assert lines[: len(frozen)] == frozen
    assert [line["epoch"] for line in lines[len(frozen) :: 2]] == [str(len(frozen) // 2 + n) for n in (1, 2, 3)]
    assert {line["learning_rate"] for line in lines[len(frozen) :]} == {"0.0003"}
    facts = files.read_json(undisturbed["lite0_finetuned"] / paths.metrics("train", "phantom", "lite0_finetuned"))
    assert facts["best_epoch"] > len(frozen) // 2
    pairs = zip(weights(undisturbed["lite0_finetuned"], "lite0_finetuned"), weights(lite0, "lite0"), strict=True)
    same = [np.array_equal(one, other) for one, other in pairs]
    assert same[0]
    # The last convolution, the four weights of its batch normalisation, and the head.
    assert same[-7:] == [False, True, True, True, True, False, False]


def test_without_a_better_epoch_a_finetuned_model_is_the_frozen_one(tmp_path: Path, lite0: Path) -> None:
    ruinous = {"models__lite0_finetuned__finetune__learning_rate": 1.0}
    folder = project(tmp_path / "p", **ruinous)
    stage(folder, "weights", "lite0_finetuned")
    assert "the frozen backbone is kept" in stage(folder, "train", "phantom", "lite0_finetuned")
    pairs = zip(weights(folder, "lite0_finetuned"), weights(lite0, "lite0"), strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)


def test_bfloat16_is_deterministic_and_close_to_float32(tmp_path: Path, lite0: Path) -> None:
    one, other = (trained(project(tmp_path / n, compute__precision="bfloat16"), "lite0") for n in ("one", "other"))
    assert digests(one) == digests(other)
    low, full = (predictions.read(folder / paths.predictions("phantom") / "lite0.csv") for folder in (one, lite0))
    difference = np.abs(low.probabilities - full.probabilities)
    assert 0 < difference.mean() < 0.15 * full.probabilities.std()
    assert np.corrcoef(low.probabilities.ravel(), full.probabilities.ravel())[0, 1] > 0.99
    assert {weight.dtype.name for weight in weights(one, "lite0")} == {"float32"}
    with zipfile.ZipFile(one / paths.keras_model("phantom", "lite0")) as archive:
        assert b"bfloat16" not in archive.read("config.json")


def test_a_second_head_never_runs_the_backbone_again(tmp_path: Path, lite0: Path) -> None:
    folder = tmp_path / "p"
    shutil.copytree(lite0, folder)
    cached = features(folder)
    assert len(cached) == 2
    shrink(folder, {**SHRUNK, "models.lite0.dropout": 0.5})
    trained(folder, "lite0")
    assert features(folder) == cached
    model = str(paths.keras_model("phantom", "lite0"))
    assert digests(folder)[model] != digests(lite0)[model]


def test_predictions_cover_every_image_and_are_those_of_the_saved_model(lite0: Path) -> None:
    import keras

    table = predictions.read(lite0 / paths.predictions("phantom") / "lite0.csv")
    assert table.classes == CLASSES
    assert len(table.image_ids) == 60
    model = keras.saving.load_model(lite0 / paths.keras_model("phantom", "lite0"))
    images = pack.images(lite0 / paths.prepared("phantom"))[:].astype(np.float32)
    assert model.predict(images, verbose=0) == pytest.approx(table.probabilities, abs=1e-5)
    facts = files.read_json(lite0 / paths.metrics("train", "phantom", "lite0"))
    assert facts["parameters"] - facts["trainable_parameters"] > 3_000_000
    assert facts["macs"] > 5_000_000


def test_adapted_preprocessing_is_that_of_the_training_images(undisturbed: dict[str, Path]) -> None:
    import keras

    folder = undisturbed["tiny"]
    model = keras.saving.load_model(folder / paths.keras_model("phantom", "tiny"))
    images = pack.images(folder / paths.prepared("phantom"))[:].astype(np.float32)
    rows = manifest.used(folder / paths.manifest("phantom"))
    seen = np.asarray(model.get_layer("preprocessing")(images[manifest.indices(rows, "train")]))
    assert seen.mean(axis=(0, 1, 2)) == pytest.approx([0, 0, 0], abs=1e-3)
    assert seen.std(axis=(0, 1, 2)) == pytest.approx([1, 1, 1], abs=1e-3)


def test_a_frozen_network_that_wants_other_views_than_are_prepared_says_what_to_change(tmp_path: Path) -> None:
    folder = project(tmp_path, models__lite0__augment="brain_mri")
    stage(folder, "weights", "lite0")
    done = run(folder, "stages.train", "phantom", "lite0")
    assert done.returncode == 1
    assert done.stderr.startswith("error: lite0: ")
    assert len(done.stderr.splitlines()) == 1
    assert "studies.phantom.images.views" in done.stderr and "'brain_mri'" in done.stderr


def test_a_frozen_network_learns_from_the_originals_where_a_study_prepares_no_views(tmp_path: Path) -> None:
    folder = trained(project(tmp_path, studies__phantom__images__views__count=0, models__lite0__epochs=1), "lite0")
    assert len(features(folder)) == 1
