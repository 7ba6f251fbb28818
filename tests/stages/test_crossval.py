from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset import folds, manifest, pack, predictions
from medcnn.dataset.augment import augmented
from medcnn.params import whole
from medcnn.runtime import paths
from stages import crossval, train, weights
from tests.project import ROOT, stage
from tests.stages.training import STATE, features, folded, project

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

BRIEF = {
    "studies__phantom__images__views__count": 1,
    "models__tiny__epochs": 3,
    "models__lite0__epochs": 2,
    "models__lite0__dense": [16],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two trained models, and two folds of each; the tests run in a copy."""
    folder = folded(project(tmp_path_factory.mktemp("crossval") / "p", **BRIEF))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for model in ("tiny", "lite0"):
            weights.main(model)
            train.main("phantom", model)
            crossval.main("phantom", model, "1", "0")
    return folder


@pytest.fixture(autouse=True)
def _in_a_copy(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(made, tmp_path / "p")
    monkeypatch.chdir(tmp_path / "p")


def cell(model: str, fold: int, repeat: int = 0) -> Path:
    return paths.cell("phantom", model, fold, repeat)


def digests(model: str, fold: int, repeat: int = 0) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in cell(model, fold, repeat).iterdir()}


def test_the_main_cell_is_what_was_trained_and_needs_no_tensorflow() -> None:
    look = "import sys; from stages import crossval; crossval.main('phantom', 'tiny', '0', '0'); "
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    shown = "print([name for name in ('tensorflow', 'keras') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", look + shown], env=environment, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
    trained = (paths.predictions("phantom") / "tiny.csv").read_bytes()
    assert digests("tiny", 0) == {folds.PREDICTIONS: trained}


def test_a_cell_predicts_the_images_of_its_fold_with_their_part_in_it() -> None:
    parts = folds.read(paths.folds("phantom"), 1)
    for model in ("tiny", "lite0"):
        table = predictions.read(cell(model, 1) / folds.PREDICTIONS)
        assert dict(zip(table.image_ids, table.splits, strict=True)) == dict(
            zip(parts["image_id"], parts["fold_1"], strict=True)
        )
        assert set(digests(model, 1)) == {folds.PREDICTIONS, folds.MODEL}


def test_preprocessing_is_measured_on_the_training_images_of_the_fold() -> None:
    import keras

    preprocessing = keras.saving.load_model(cell("tiny", 1) / folds.MODEL).get_layer("preprocessing")
    images = pack.images(paths.prepared("phantom"))[:].astype(np.float32)
    seen = np.asarray(preprocessing(images[manifest.indices(folds.rows("phantom", 1), "train")]))
    assert seen.mean(axis=(0, 1, 2)) == pytest.approx([0, 0, 0], abs=1e-3)
    assert np.abs(np.asarray(preprocessing(images)).mean(axis=(0, 1, 2))).max() > 1e-3


def test_another_fold_never_runs_a_frozen_backbone_again() -> None:
    cached = features(Path())
    assert len(cached) == 3
    crossval.main("phantom", "lite0", "2", "0")
    crossval.main("phantom", "lite0", "0", "1")
    assert features(Path()) == cached


def test_views_that_the_split_has_not_are_drawn_as_prepare_draws_them() -> None:
    settings = whole.load()
    (path,) = Path(STATE, "views").iterdir()
    rows, parts = manifest.used(paths.manifest("phantom")), folds.read(paths.folds("phantom")).iloc[:, 1:]
    images, views = pack.images(paths.prepared("phantom")), pack.views(path)
    others = np.flatnonzero((rows["split"] != "train") & (parts == "train").any(axis=1))
    assert views.shape[:2] == (settings.study("phantom").images.views.count, len(others))
    policy, last = settings.augment[settings.study("phantom").images.views.policy], others[-1]
    expected = augmented(images[last], policy, settings.seed, "view", len(views) - 1, rows["image_id"][last])
    assert np.array_equal(views[-1, -1], expected)


def test_a_repeat_has_other_draws_and_ends_with_the_same_bytes_when_killed(made: Path, tmp_path: Path) -> None:
    crossval.main("phantom", "tiny", "1", "1")
    undisturbed = digests("tiny", 1, 1)
    assert undisturbed[folds.PREDICTIONS] != digests("tiny", 1, 0)[folds.PREDICTIONS]
    killed = tmp_path / "killed"
    shutil.copytree(made, killed)
    command = [sys.executable, "-m", "stages.crossval", "phantom", "tiny", "1", "1"]
    process = subprocess.Popen(command, cwd=killed, env={**os.environ, "PYTHONPATH": str(ROOT)})
    backups, deadline = killed / STATE / "backup", time.monotonic() + 60
    while not list(backups.glob("phantom-tiny-1-1-*.npz")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / cell("tiny", 1, 1)).exists(), "it was over before it could be killed"
    assert "Epoch 1/" not in stage(killed, "crossval", "phantom", "tiny", "1", "1")
    os.chdir(killed)
    assert digests("tiny", 1, 1) == undisturbed
    assert not list(backups.glob("*.npz"))


def test_a_chain_goes_on_from_the_first_link_of_its_own_cell() -> None:
    name = "lite0_relay_chain"
    train.main("phantom", name)
    for fold in ("0", "1"):
        crossval.main("phantom", name, fold, "0")
    assert set(digests(name, 0)) == {folds.PREDICTIONS}
    table = predictions.read(cell(name, 1) / folds.PREDICTIONS)
    assert set(table.splits) == set(manifest.SPLITS)
    (cell("lite0", 1) / folds.MODEL).unlink()
    with pytest.raises(MedcnnError, match=r"lite0/1-0/model\.keras not found"):
        crossval.main("phantom", name, "1", "0")


@pytest.mark.parametrize(
    ("fold", "repeat", "message"),
    [
        ("5", "0", "5; choose from 0, 1, 2, 3, 4"),
        ("1", "-1", "fold and repeat are numbers from 0 on, not '1' and '-1'"),
    ],
)
def test_a_cell_that_does_not_exist_is_refused(fold: str, repeat: str, message: str) -> None:
    with pytest.raises(MedcnnError, match=message):
        crossval.main("phantom", "tiny", fold, repeat)
