from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medcnn.core import files
from medcnn.dataset import manifest, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.params import whole
from medcnn.runtime import paths
from tests.project import prepared_study, run, shrink, stage
from tests.results.examples import trained

STUDY = "phantom"
NONE: dict[str, Any] = {"first": [], "second": []}
COMBINERS = ["mean", "weighted", "vote", "greedy", "mean_dense", "concat_dense"]
CHAIN, CASCADE = "lite0_relay_chain", "simple_lite0_relay_chain_cascade"
SKILLS = {"simple": 1.0, "deep": 0.0, "lite0": 2.0, CHAIN: 2.5}


def project(folder: Path, **run_of: Any) -> Path:
    """A study whose models have predicted; the chain is the best of them, and ``simple`` a cheap one."""
    usual = {
        "models": ["simple", "deep", "lite0"],
        "chains": {"first": ["lite0"], "second": ["relay"]},
        "cascades": {"first": ["simple"], "second": [CHAIN]},
    }
    changes = {f"run.{key}": value for key, value in (usual | run_of).items()}
    shrink(folder, {"run.studies": [STUDY], "ensemble.combiners": COMBINERS, **changes})
    classes = whole.load(folder / paths.PARAMS).study(STUDY).labels.class_names
    prepared_study(folder, STUDY, classes, images=320)
    for model, skill in SKILLS.items():
        write_predictions(folder, model, classes, skill)
        files.write_json(folder / paths.metrics("train", STUDY, model), trained(macs=round(1e6 * 10**skill)))
    return folder


def write_predictions(folder: Path, model: str, classes: tuple[str, ...], skill: float) -> None:
    rows = manifest.used(folder / paths.manifest(STUDY))
    labels = np.array([classes.index(label) for label in rows["label"]])
    rng = np.random.default_rng(len(model))
    odds = np.exp(rng.normal(size=(len(rows), len(classes))) + skill * np.eye(len(classes))[labels])
    table = Predictions(classes, rows["image_id"], rows["split"], labels, odds / odds.sum(axis=1, keepdims=True))
    order = [int(index) for index in rng.permutation(len(rows))]
    predictions.write(folder / paths.predictions(STUDY) / f"{model}.csv", table.at(order))


def ensemble(folder: Path) -> dict[str, Any]:
    stage(folder, "ensemble", STUDY)
    return dict(files.read_json(folder / paths.metrics("ensemble", STUDY)))


def evaluate(folder: Path) -> dict[str, Any]:
    stage(folder, "evaluate", STUDY)
    return dict(files.read_json(folder / paths.metrics("evaluate", STUDY)))


def written(folder: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in (folder / paths.ensembles(STUDY)).iterdir()}


def test_ensembles_and_cascades_are_made_scored_and_evaluated(tmp_path: Path) -> None:
    record = ensemble(project(tmp_path))
    assert set(record["combiners"]) == set(COMBINERS)
    assert record["chosen"] in COMBINERS
    assert record["combiners"]["weighted"]["weights"]["lite0"] > 0.5
    assert set(written(tmp_path)) == {*COMBINERS, CASCADE}
    figures = evaluate(tmp_path)
    assert set(figures) == {*SKILLS, *(f"ensemble_{name}" for name in COMBINERS), CASCADE}
    scored = {f"ensemble_{name}": made["validation"] for name, made in record["combiners"].items()}
    for name, validation in (scored | {CASCADE: record["cascades"][CASCADE]["validation"]}).items():
        assert {key: figures[name]["validation"][key] for key in validation} == pytest.approx(validation, abs=2e-6)
    assert record["combiners"]["vote"]["members"] == ["simple", "deep", "lite0"]
    assert len(record["combiners"]["concat_dense"]["dense"]["kernel"]) == 3 * len(
        record["combiners"]["mean_dense"]["dense"]["bias"]
    )
    headline = files.read_json(tmp_path / paths.metrics("evaluate", STUDY, CASCADE))
    assert headline["mean_macs"] == record["cascades"][CASCADE]["macs"]["mean"]


def test_a_second_run_writes_the_same_bytes_and_leaves_nothing_of_another(tmp_path: Path) -> None:
    record = ensemble(project(tmp_path))
    before = written(tmp_path)
    (tmp_path / paths.ensembles(STUDY) / "median.csv").touch()
    assert ensemble(tmp_path) == record
    assert written(tmp_path) == before


def test_what_models_outside_the_run_left_is_removed(tmp_path: Path) -> None:
    project(tmp_path, models=["simple", "deep"], chains=NONE, cascades=NONE)
    record = ensemble(tmp_path)
    assert set(record["combiners"]["mean"]["weights"]) == {"simple", "deep"}
    assert record["cascades"] == {}
    for folder in (paths.predictions(STUDY), paths.metrics_folder("train", STUDY)):
        assert {path.stem for path in (tmp_path / folder).iterdir()} == {"simple", "deep"}


def test_one_model_makes_no_ensembles_and_says_so(tmp_path: Path) -> None:
    project(tmp_path, models=["simple"], chains=NONE, cascades=NONE)
    assert "no ensembles" in stage(tmp_path, "ensemble", STUDY)
    record = files.read_json(tmp_path / paths.metrics("ensemble", STUDY))
    assert record == {"cascades": {}, "chosen": None, "combiners": {}, "macs": {"simple": 10_000_000}}
    assert written(tmp_path) == {}
    assert set(evaluate(tmp_path)) == {"simple"}


def test_patients_of_the_manifest_decide_the_folds(tmp_path: Path) -> None:
    alone = ensemble(project(tmp_path))
    path = tmp_path / paths.manifest(STUDY)
    manifest.write(path, manifest.read(path).assign(group=lambda rows: rows["label"]))
    assert "weighted, greedy, mean_dense, concat_dense" in stage(tmp_path, "ensemble", STUDY)
    record = files.read_json(tmp_path / paths.metrics("ensemble", STUDY))
    assert record["combiners"]["greedy"]["validation"] == {"accuracy": None, "cross_entropy": None}
    assert record["combiners"]["mean"] == alone["combiners"]["mean"]


@pytest.mark.parametrize(
    "lost",
    [paths.predictions(STUDY) / "lite0.csv", paths.metrics("train", STUDY, "simple"), paths.manifest(STUDY)],
)
def test_what_is_missing_is_one_clear_line(tmp_path: Path, lost: Path) -> None:
    (project(tmp_path) / lost).unlink()
    done = run(tmp_path, "stages.ensemble", STUDY)
    assert done.returncode == 1
    assert str(lost) in done.stderr
    assert len(done.stderr.splitlines()) == 1
