"""What runs again after which change: real DVC and real git, with stand-ins for the stages that write in 0.1 s."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.pipeline.conftest import NOT_BY_DEFAULT, commit, repository, sh

pytestmark = [pytest.mark.slow, pytest.mark.dvc]


def locked(folder: Path) -> dict[str, object]:
    return YAML(typ="safe").load(folder / "dvc.lock")["stages"]


def repro(folder: Path, path: str, *command: str) -> set[str]:
    """The stages that ran."""
    return set(re.findall(r"Running stage '([^']+)'", sh(folder, "dvc", *(command or ("repro",)), PATH=path)))


def test_a_second_run_has_nothing_to_do(wired: Path, path: str) -> None:
    stages = YAML(typ="safe").load(wired / "dvc.yaml")["stages"]
    assert {name.split("@")[0] for name in locked(wired)} == set(stages) - NOT_BY_DEFAULT
    assert repro(wired, path) == set()


def test_a_changed_number_reruns_only_what_depends_on_it(wired: Path, path: str) -> None:
    assert repro(wired, path, "exp", "run", "-S", "models.tiny.learning_rate=1e-3") == {
        "train@phantom-tiny", "crossval@phantom-tiny-0-0", "careless@phantom-tiny",
        "ensemble@phantom", "evaluate@phantom", "suspects@phantom", "explain@phantom",
        "export@phantom-tiny", "export_ensembles@phantom", "choose@phantom",
        "benchmark@phantom-tiny", "benchmark_ensembles@phantom", "report",
    }  # fmt: skip
    assert "learning_rate" in sh(wired, "dvc", "params", "diff")
    moved = json.loads(sh(wired, "dvc", "metrics", "diff", "--json"))
    assert "metrics/train/phantom/tiny.json" not in moved, "only evaluate declares metrics"
    assert "metrics/evaluate/phantom/tiny.json" in moved


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("medcnn/report/templates/card.md.j2", {"report"}),
        ("medcnn/weights/finding.py", {"weights@tiny", "weights@lite0"}),
        ("medcnn/params/gate.py", set()),
        ("medcnn/runtime/console.py", set()),
    ],
)
def test_a_changed_file_reruns_only_what_it_can_reach(file: str, expected: set[str], wired: Path) -> None:
    with (wired / file).open("a") as opened:
        opened.write("\n")
    status = json.loads(sh(wired, "dvc", "status", "--json"))
    touched = {name for name, found in status.items() if any(f"{file}/".startswith(f"{dep}/") for dep in deps(found))}
    assert touched == expected


def deps(found: list[object]) -> set[str]:
    """The dependencies that changed, of what `dvc status` says of a stage."""
    return {path for one in found if isinstance(one, dict) for path in one.get("changed deps", {})}


def test_a_pulled_clone_has_nothing_to_do(wired: Path, path: str, tmp_path: Path) -> None:
    sh(wired, "dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    sh(wired, "dvc", "push")
    commit(wired)
    clone = tmp_path / "clone"
    sh(tmp_path, "git", "clone", "--quiet", str(wired), str(clone))
    sh(clone, "dvc", "pull")
    assert repro(clone, path) == set()
    assert (clone / "data/models/phantom/tiny/model.onnx").exists()


def test_a_wrong_param_stops_before_anything_runs(tmp_path: Path) -> None:
    folder = repository(tmp_path / "project")
    params = folder / "params.yaml"
    params.write_text(params.read_text().replace("fit: stretch", "fit: squash", 1))
    output = sh(folder, "dvc", "repro", code=255)
    assert re.search(r"error: params.yaml: studies\.\w+\.(images\.)?fit", output)
    assert "Traceback" not in output
    assert not (folder / "data/raw").exists()


def test_an_external_study_trains_nothing_again(wired: Path, path: str) -> None:
    assert repro(wired, path, "exp", "run", "-S", "run.external=[chest_ct]") == {
        "download_external@chest_ct", "split_external@chest_ct", "external@phantom-chest_ct", "report",
    }  # fmt: skip
    moved = json.loads(sh(wired, "dvc", "metrics", "diff", "--json"))
    assert "metrics/external/phantom/chest_ct/tiny.json" in moved


def test_the_chosen_model_is_had_from_the_registry_by_name_and_by_tag(wired: Path, tmp_path: Path) -> None:
    sh(wired, "dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    sh(wired, "dvc", "push", "data/chosen/phantom/model.onnx")
    commit(wired)
    sh(wired, "git", "tag", "-a", "phantom@v1.0.0", "-m", "the first")
    clone = tmp_path / "clone"
    sh(tmp_path, "git", "clone", "--quiet", str(wired), str(clone))
    for version in ((), ("--rev", "v1.0.0")):
        sh(clone, "dvc", "artifacts", "get", str(clone), "phantom", *version, "--force", "--out", "model.onnx")
        assert (clone / "model.onnx").read_bytes() == (wired / "data/chosen/phantom/model.onnx").read_bytes()
