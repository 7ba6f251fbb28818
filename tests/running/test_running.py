"""``medcnn run`` over real DVC, with stand-ins for the stages."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.pipeline.conftest import ENVIRONMENT, repository, sh
from tests.pipeline.conftest import path as path
from tests.project import ROOT, SMALL_PHANTOM, shrink

pytestmark = [pytest.mark.slow, pytest.mark.dvc]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository whose params.yaml has a change that is not committed."""
    folder = repository(tmp_path / "project")
    params = folder / "params.yaml"
    params.write_text(params.read_text() + "# mine\n")
    return folder


def medcnn(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "medcnn", *arguments],
        cwd=folder,
        env={**ENVIRONMENT, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_dry_run_names_the_items_of_one_study_and_its_models(project: Path) -> None:
    before = (project / "params.yaml").read_bytes()
    done = medcnn(project, "run", "brain_mri", "--models", "tiny", "--dry-run")
    assert done.returncode == 0, done.stderr
    items = [line for line in done.stdout.splitlines() if re.fullmatch(r"[a-z_]+(@\S+)?", line)]
    assert "train@brain_mri-tiny" in items
    assert not [item for item in items if "phantom" in item or "lite0" in item]
    assert "-S 'run.studies=[brain_mri]'" in done.stdout
    assert (project / "params.yaml").read_bytes() == before


def test_a_preset_is_keys_that_a_dry_run_prints(project: Path) -> None:
    before = (project / "params.yaml").read_bytes()
    done = medcnn(project, "run", "brain_mri", "--preset", "best", "-S", "models.best_lite0.epochs=3", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "-S 'run.folds=[0,1,2,3,4]'" in done.stdout
    assert "-S 'models.best_lite0.epochs=3'" in done.stdout
    assert "crossval@brain_mri-probe_lite1-4-0" in done.stdout.splitlines()
    assert (project / "params.yaml").read_bytes() == before


def test_models_are_named_or_left_to_a_preset(project: Path) -> None:
    done = medcnn(project, "run", "phantom", "--preset", "quick", "--models", "tiny", "--dry-run")
    assert (done.returncode, "--preset" in done.stderr) == (2, True)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_stages_are_numbered_and_params_yaml_is_as_it_was_found(jobs: str, project: Path, path: str) -> None:
    before = (project / "params.yaml").read_bytes()
    wanted = ("--models", "tiny", "-S", "models.tiny.epochs=1", "--jobs", jobs)
    done = medcnn(project, "run", "phantom", *wanted, PATH=path)
    numbers = re.findall(r"^stage (\d+) of (\d+): (\w+)", done.stdout, re.MULTILINE)
    stages = [stage for *_, stage in numbers if stage != "weights"]
    assert stages[:3] == ["download", "split", "prepare"]
    assert len({total for _, total, _ in numbers}) == 1
    assert "No file hash info" not in done.stdout
    assert (project / "params.yaml").read_bytes() == before
    lock = (project / "dvc.lock").read_text()
    assert {"train@phantom-tiny:", "suspects@phantom:"} <= {*lock.split()}
    assert "export@phantom-tiny:" not in lock, "the page of a first run comes first"
    # Stand-ins write no figures, so that there is no answer.
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


def test_a_stage_that_fails_gives_its_reason_and_the_code_of_dvc(project: Path) -> None:
    before = (project / "params.yaml").read_bytes()
    done = medcnn(project, "run", "brain_mri", "--models", "tiny", "-S", "studies.brain_mri.source.kind=archive")
    assert done.returncode == 2
    assert "studies.brain_mri.source" in done.stderr, "it is seen before anything runs"
    kaggle = ("-S", "studies.brain_mri.source.kind=archive", "-S", "studies.brain_mri.source.path=/nowhere.zip")
    done = medcnn(project, "run", "brain_mri", "--models", "tiny", *kaggle)
    assert done.returncode not in (0, 2)
    assert "/nowhere.zip not found" in done.stdout
    assert (project / "params.yaml").read_bytes() == before


def test_an_interrupted_run_leaves_params_yaml(project: Path, path: str) -> None:
    before = (project / "params.yaml").read_bytes()
    command = [sys.executable, "-m", "medcnn", "run", "phantom", "--models", "tiny"]
    process = subprocess.Popen(
        command,
        cwd=project,
        env={**ENVIRONMENT, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while "stage 1" not in process.stdout.readline():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert (project / "params.yaml").read_bytes() == before


@pytest.mark.parametrize(("name", "hint"), [("brain_mir", "brain_mri"), ("skin", "medcnn init")])
def test_a_missing_study_is_one_line(name: str, hint: str, project: Path) -> None:
    done = medcnn(project, "run", name)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert hint in done.stderr


def test_outside_a_project_it_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    done = medcnn(tmp_path, "run", "phantom", PYTHONPATH=str(ROOT))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    sh(tmp_path, "git", "init", "--quiet")
    done = medcnn(tmp_path, "run", "phantom", PYTHONPATH=str(ROOT))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


@pytest.mark.slow
def test_a_preset_looks_at_the_images_before_it_sets_what_follows_from_them(project: Path) -> None:
    (project / "no.weights.h5").write_bytes(b"no weights")
    shrink(project, SMALL_PHANTOM)
    done = medcnn(project, "run", "phantom", "--preset", "quick", "-S", "models.probe_lite0.weights=no.weights.h5")
    assert done.returncode != 0
    assert "no.weights.h5" in done.stdout
    images = [line for line in done.stdout.splitlines() if line.startswith("preset quick: images of")]
    assert len(images) == 1
    assert done.stdout.index("split") < done.stdout.index(images[0])
    assert re.search(r"-S 'studies.phantom.images.size=\d+'", done.stdout)
