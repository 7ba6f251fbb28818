"""What users type, typed: real DVC, real git, the real stages on a shrunken phantom."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.pipeline.conftest import NOT_BY_DEFAULT, repository, sh

pytestmark = [pytest.mark.slow, pytest.mark.dvc]


def ran_stages(output: str) -> set[str]:
    return set(re.findall(r"Running stage '([^']+)'", output))


def test_every_stage_ran_and_left_its_outs(ran: Path) -> None:
    lock = YAML(typ="safe").load(ran / "dvc.lock")["stages"]
    stages = set(YAML(typ="safe").load(ran / "dvc.yaml")["stages"])
    assert {name.split("@")[0] for name in lock} == stages - NOT_BY_DEFAULT
    for name in ("tiny", "lite0", "lite0_relay_chain", "ensemble_mean", "tiny_lite0_cascade"):
        folder = f"data/{'models' if (ran / 'data/models/phantom' / name).is_dir() else 'combined'}/phantom/{name}"
        for file in (f"{folder}/model.onnx", f"{folder}/model.int8.onnx", f"metrics/benchmark/phantom/{name}.json"):
            assert (ran / file).stat().st_size > 500
    assert "<html" in (ran / "plots/report/index.html").read_text()


def test_a_second_run_has_nothing_to_do(copy: Path) -> None:
    output = sh(copy, "dvc", "repro")
    assert "Data and pipelines are up to date." in output
    assert not ran_stages(output)


def test_the_same_inputs_give_the_same_bytes_side_by_side_and_in_another_folder(ran: Path, tmp_path: Path) -> None:
    other = repository(tmp_path / "elsewhere" / "with a space")
    side_by_side = (sys.executable, "-m", "medcnn", "repro", "--jobs", "2")
    output = sh(other, *side_by_side, "evaluate@phantom", "export@phantom-lite0")
    assert "train@phantom-lite0: starts" in output
    here, there = (YAML(typ="safe").load(folder / "dvc.lock")["stages"] for folder in (ran, other))
    assert "evaluate@phantom" in there
    assert there == {name: here[name] for name in there}
    written = [path.relative_to(other) for path in (other / "metrics").rglob("*.json")]
    assert len(written) > 10
    for name in written:
        assert (other / name).read_bytes() == (ran / name).read_bytes()


def test_metrics_are_one_row_per_model(ran: Path) -> None:
    table = sh(ran, "dvc", "metrics", "show")
    for name in ("tiny", "lite0", "lite0_relay_chain", "ensemble_mean", "tiny_lite0_cascade"):
        assert f"phantom/{name}.json" in table
    assert "accuracy" in table.splitlines()[0]


def test_plots_are_shown_and_diffed(copy: Path) -> None:
    shown = json.loads(sh(copy, "dvc", "plots", "show", "--json"))
    names = " ".join(shown["data"])
    for name in (
        "learning.csv",
        "confusion.csv",
        "roc.csv",
        "pr.csv",
        "reliability.csv",
        "errors.csv",
        "latency.csv",
        "classes.csv",
    ):
        assert name in names
    assert "errors" not in shown
    sh(copy, "dvc", "plots", "diff")
    assert (copy / "dvc_plots/index.html").stat().st_size > 10_000


def test_models_left_out_and_tried_leave_no_trace_in_the_lock(copy: Path, ran: Path) -> None:
    tried = ("-S", "run.models=[tiny,simple]", "-S", "models.simple.epochs=1", "-S", "run.chains.first=[]")
    assert "train@phantom-tiny" not in ran_stages(sh(copy, "dvc", "exp", "run", *tried, "evaluate@phantom"))
    assert not (copy / "metrics/evaluate/phantom/lite0.json").exists()
    sh(copy, "git", "checkout", "params.yaml", "dvc.lock")
    assert "train@phantom-tiny" not in ran_stages(sh(copy, "dvc", "repro"))
    assert (copy / "dvc.lock").read_text() == (ran / "dvc.lock").read_text()


def test_a_queued_experiment_runs_and_shares_the_features_of_the_project(copy: Path) -> None:
    features = {path.name for path in (copy / ".dvc/tmp/medcnn/features").iterdir()}
    sh(copy, "dvc", "exp", "run", "--queue", "-S", "models.lite0.dropout=0.4", "evaluate@phantom")
    sh(copy, "dvc", "queue", "start")
    deadline = time.monotonic() + 300
    while sh(copy, "dvc", "queue", "status").count("Success") < 1 and time.monotonic() < deadline:
        time.sleep(2)
    shown = sh(copy, "dvc", "exp", "show", "--csv")
    assert "0.4" in re.findall(r"\b0\.\d\b", shown)
    assert sh(copy, "dvc", "queue", "status").count("Success") == 1
    assert {path.name for path in (copy / ".dvc/tmp/medcnn/features").iterdir()} == features
