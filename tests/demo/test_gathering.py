"""What `make demo` refuses, in one line; what it makes is tested in the browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from medcnn.core import files
from medcnn.demo import vendoring
from medcnn.runtime import paths
from tests.project import run, shrink
from tests.results.examples import compared


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shrink(tmp_path, {"run.studies": ["phantom"]})
    files.write_json(tmp_path / paths.metrics("comparisons", "phantom"), compared("simple"))
    return tmp_path


def test_without_an_exported_model_it_says_what_to_run(project: Path):
    done = run(project, "medcnn.demo", "make")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "phantom" in done.stderr
    assert "`dvc repro`" in done.stderr


def test_without_npm_it_says_what_is_needed(project: Path):
    files.write_text(project / paths.onnx_model("phantom", "simple"), "")
    done = run(project, "medcnn.demo", "make", PATH="/nowhere")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "npm" in done.stderr
    assert "https://nodejs.org" in done.stderr
    assert not (project / paths.DEMO).exists()


def test_the_lock_file_pins_versions_and_hashes_and_names_no_host():
    text = (vendoring.HERE / "package-lock.json").read_text()
    assert "://" not in text
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    wanted = json.loads((vendoring.HERE / "package.json").read_text())["dependencies"]
    assert set(wanted) == {"onnxruntime-web"}
    assert re.fullmatch(r"1\.\d+\.\d+", wanted["onnxruntime-web"])
    assert packages["node_modules/onnxruntime-web"]["version"] == wanted["onnxruntime-web"]
