"""Trainings that go wrong: numbers that explode, memory that ends, parts without images."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from medcnn.dataset import manifest
from medcnn.runtime import paths
from tests.conftest import encoded, picture, zipped
from tests.faults.test_archives import PLAIN as SCANS
from tests.pipeline.conftest import ENVIRONMENT, commit, repository, sh
from tests.project import ROOT, run, shrink
from tests.stages.training import SHRUNK, STATE, digests, project

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

PLAIN = {"models__tiny__epochs": 6, "models__tiny__patience": 6, "models__tiny__loss": "cross_entropy"}
# In a part of 60 images with batches of 16 an epoch has 2 steps.
STEPS = 2


def hooked(folder: Path, gradients: str) -> str:
    """A PYTHONPATH under which every optimizer gets other gradients than were computed."""
    site = folder.parent / f"{folder.name}-site"
    site.mkdir(exist_ok=True)
    hook = f"""
        import keras
        import tensorflow as tf
        from keras.src.optimizers.base_optimizer import BaseOptimizer

        apply = BaseOptimizer.apply

        def changed(self, grads, trainable_variables=None):
            step = tf.cast(self.iterations.value, tf.int64)
            return apply(self, {gradients}, trainable_variables)

        BaseOptimizer.apply = changed
    """
    (site / "sitecustomize.py").write_text(textwrap.dedent(hook))
    return f"{site}{os.pathsep}{ROOT}"


def stopped(folder: Path, gradients: str | None = None) -> tuple[str, str]:
    """What a training that fails printed, and its one line; it wrote nothing."""
    before = digests(folder)
    weights(folder)
    path = {"PYTHONPATH": hooked(folder, gradients)} if gradients else {}
    done = run(folder, "stages.train", "phantom", "tiny", **path)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert {name: digest for name, digest in digests(folder).items() if name in before} == before
    assert not (folder / paths.keras_model("phantom", "tiny")).exists()
    assert not (folder / paths.predictions("phantom")).exists()
    line = done.stderr.splitlines()[-1]
    assert line.startswith("error: ")
    return done.stdout, line.removeprefix("error: ")


def weights(folder: Path) -> None:
    assert run(folder, "stages.weights", "tiny").returncode == 0


def test_a_learning_rate_out_of_range_is_refused_before_anything_runs(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", models__tiny__learning_rate=1e30)
    done = run(folder, "stages.train", "phantom", "tiny")
    assert done.returncode == 2
    assert done.stderr.startswith("error: params.yaml: models.tiny.learning_rate: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_loss_that_becomes_nan_stops_and_ending_before_it_keeps_what_was_learnt(tmp_path: Path) -> None:
    late = f"[tf.where(step < {3 * STEPS}, g, g * float('nan')) for g in grads]"
    folder = project(tmp_path / "p", **PLAIN)
    said, line = stopped(folder, late)
    assert "Epoch 3/6" in said and "Epoch 4/6" not in said
    assert line.startswith("models.tiny: ")
    named = ("epoch 4", "learning_rate (now 0.01)", "epochs=3", "`git checkout params.yaml metrics && dvc checkout`")
    assert all(name in line for name in named), line
    assert [path.name[-6:] for path in (folder / STATE / "backup").glob("*.npz")] == ["-1.npz"]
    shrink(folder, SHRUNK | {key.replace("__", "."): value for key, value in PLAIN.items()} | {"models.tiny.epochs": 3})
    done = run(folder, "stages.train", "phantom", "tiny", PYTHONPATH=hooked(folder, late))
    assert done.returncode == 0, done.stderr
    history = (folder / paths.plots("train", "phantom", "tiny") / "history.csv").read_text()
    assert len(history.splitlines()) == 1 + 2 * 3


def test_gradients_that_explode_under_a_finite_loss_stop_it(tmp_path: Path) -> None:
    # Adam divides by the mean of their squares: beyond 1e19 that is infinite, and nothing is learnt any more.
    folder = project(tmp_path / "p", **PLAIN, models__tiny__optimizer="adam", models__tiny__batch_size=64)
    _, line = stopped(folder, "[g * 1e25 for g in grads]")
    assert line.startswith("models.tiny: exploding gradients")
    assert "in epoch 1" in line and "learning_rate (now 0.01)" in line


def test_memory_that_ends_in_a_training_step_names_what_to_lower(tmp_path: Path) -> None:
    # TensorFlow's own allocator is asked for 4 PB in the second step of the second epoch.
    side = "tf.where(step < 3, 1, 1 << 25)"
    folder = project(tmp_path / "p", **PLAIN)
    said, line = stopped(folder, f"[g + 0 * tf.reduce_sum(tf.zeros([{side}, {side}])) for g in grads]")
    assert "Epoch 1/6" in said and "Epoch 2/6" not in said
    assert line.startswith("models.tiny: out of memory")
    assert "models.tiny.batch_size (now 16)" in line and "studies.phantom.images.size (now 32)" in line
    resumed = run(folder, "stages.train", "phantom", "tiny")
    assert resumed.returncode == 0, resumed.stderr
    assert "Epoch 1/6" not in resumed.stdout


def test_a_process_without_memory_leaves_nothing_half_made(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", **PLAIN, models__tiny__batch_size=32)
    weights(folder)
    before, limit = digests(folder), 1 << 30
    done = subprocess.run(
        [sys.executable, "-m", "stages.train", "phantom", "tiny"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    assert digests(folder) == before
    done = run(folder, "stages.train", "phantom", "tiny")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("split", "label", "named"), [("validation", None, "validation"), ("train", "nodule", "'nodule'")]
)
def test_a_part_without_images_stops_a_training_before_it_begins(
    tmp_path: Path, split: str, label: str | None, named: str
) -> None:
    folder = project(tmp_path / "p", **PLAIN)
    path = folder / paths.manifest("phantom")
    rows = manifest.read(path)
    emptied = (rows["split"] == split) & (rows["label"].isin([label]) if label else True)
    manifest.write(path, rows.assign(split=rows["split"].mask(emptied, "test")))
    said, line = stopped(folder)
    assert line.startswith("studies.phantom.split: ")
    assert named in line
    assert "Epoch" not in said


def test_a_part_whose_images_are_all_set_aside_is_refused_by_split(tmp_path: Path) -> None:
    names = [f"{part}/{name}" for part in ("train", "valid", "test") for name in SCANS]
    members = [
        (name, b"" if name.startswith("valid/yes/") else encoded(picture(seed, (24, 20))))
        for seed, name in enumerate(names)
    ]
    changes = {
        "source": {"kind": "archive", "path": str(zipped(tmp_path / "scans.zip", dict(members)))},
        "split": {"kind": "author", "train": "train/*", "validation": "valid/*", "test": "test/*", "on_leak": "keep"},
        "labels.exclude": [],
    }
    shrink(tmp_path, {f"studies.brain_mri.{key}": value for key, value in changes.items()})
    assert run(tmp_path, "stages.download", "brain_mri").returncode == 0
    done = run(tmp_path, "stages.split", "brain_mri")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: studies.brain_mri.split.validation: ")
    assert "'tumour'" in line and "12 are set aside" in line and "empty file" in line
    assert not (tmp_path / "data/splits").exists()


def test_committed_results_come_back_without_training_again(tmp_path: Path) -> None:
    folder = repository(tmp_path / "one")
    stage = "train@phantom-tiny"
    sh(folder, "dvc", "repro", stage)
    commit(folder)
    good = results(folder)
    environment = {**ENVIRONMENT, "PYTHONPATH": hooked(folder, "[g * float('nan') for g in grads]")}
    command = ["dvc", "exp", "run", "--set-param", "models.tiny.learning_rate=0.5", stage]
    failed = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert failed.returncode != 0
    assert re.search(r"models\.tiny: .*in epoch 1; .*learning_rate \(now 0\.5\)", failed.stderr)
    assert not (folder / paths.keras_model("phantom", "tiny")).exists()
    sh(folder, "git", "checkout", "--quiet", "params.yaml", "metrics")
    sh(folder, "dvc", "checkout", stage)
    assert results(folder) == good
    assert "Epoch" not in sh(folder, "dvc", "repro", stage)
    assert results(folder) == good


def results(folder: Path) -> dict[str, str]:
    """The hashes of what the stages made, the lock file included."""
    return {name: digest for name, digest in digests(folder).items() if not name.startswith(".git")}
