from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset.predictions import Predictions
from medcnn.ensemble import cascading, choosing, combined, combining, rules
from medcnn.params.whole import Compute
from medcnn.runtime import paths
from tests.classifiers import model, table

MACS = {"one": 10, "other": 20, "third": 30}
CASCADE = "one_other_cascade"


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Predictions]:
    """Three models, the last of them useless; their ensembles and a cascade are on record."""
    monkeypatch.chdir(tmp_path)
    labels = np.arange(300) % 3
    return {
        name: table(labels, model(labels, skill, seed))
        for seed, (name, skill) in enumerate({"one": 1.0, "other": 2.0, "third": -3.0}.items())
    }


def recorded(tables: dict[str, Predictions]) -> dict[str, np.ndarray]:
    """Write the record, and return what each combination predicted on test."""
    seen = choosing.validation(tables, tables["one"].image_ids.to_series(), 42)
    made = combining.ensembles(tables, tuple(combining.COMBINERS), seen, Compute())
    cascade = cascading.cascaded(tables, ("one", "other"), MACS, seen.of(("one", "other")))
    record = {**combining.record(made), "cascades": {CASCADE: cascade.record()}, "macs": MACS}
    files.write_json(paths.metrics("ensemble", "phantom"), record)
    predicted = {f"ensemble_{name}": ensemble.predictions for name, ensemble in made.items()}
    predicted |= {CASCADE: cascade.predictions}
    return {name: part.of("test").probabilities for name, part in predicted.items()}


def test_the_record_alone_answers_as_the_ensemble_stage_did(tables: dict[str, Predictions]) -> None:
    for name, expected in recorded(tables).items():
        made = combined.read("phantom", name)
        answer = made.rule.combine(np.stack([tables[member].of("test").probabilities for member in made.members]))
        np.testing.assert_allclose(answer, expected, atol=1e-12, err_msg=name)
    assert set(combined.read_all("phantom")) == {f"ensemble_{name}" for name in combining.COMBINERS} | {CASCADE}


def test_members_keep_their_order_and_those_of_no_weight_are_left_out(tables: dict[str, Predictions]) -> None:
    recorded(tables)
    assert combined.read("phantom", "ensemble_concat_dense").members == ("one", "other", "third")
    assert combined.read("phantom", "ensemble_greedy").members == ("other",)
    assert combined.read("phantom", CASCADE).members == ("one", "other")


def test_a_near_tie_is_undecided(tables: dict[str, Predictions]) -> None:
    recorded(tables)
    vote, mean = (combined.read("phantom", f"ensemble_{name}") for name in ("vote", "mean"))
    even = np.array([[[0.40001, 0.4, 0.19999], [0.6, 0.3, 0.1]]] * 3)
    assert vote.rule.undecided(even, 1e-4).tolist() == [True, False]
    assert mean.rule.undecided(even, 1e-4).tolist() == [False, False]
    cascade = combined.read("phantom", CASCADE).rule
    assert isinstance(cascade, rules.Cascade)
    assert rules.Cascade(1.0, 0.6).undecided(even[:2], 1e-4).tolist() == [False, True]


def test_what_is_not_there_is_one_line(tables: dict[str, Predictions]) -> None:
    with pytest.raises(MedcnnError, match=r"metrics/ensemble/phantom\.json not found; run `dvc repro`"):
        combined.read("phantom", "ensemble_mean")
    recorded(tables)
    with pytest.raises(MedcnnError, match=f"has no 'ensemble_median'; .*choose from .*{CASCADE}"):
        combined.read("phantom", "ensemble_median")


def test_a_record_of_an_older_version_is_one_line(tables: dict[str, Predictions]) -> None:
    path = paths.metrics("ensemble", "phantom")
    vote = {"validation": {"accuracy": 0.5, "cross_entropy": 0.5}}
    files.write_json(path, {"combiners": {"vote": vote}, "chosen": "vote", "cascades": {}, "macs": {}})
    with pytest.raises(MedcnnError, match=r"phantom\.json: combiners\.vote\.members: .*; run `dvc repro`"):
        combined.read_all("phantom")


def test_reading_loads_no_framework() -> None:
    code = "import sys, medcnn.ensemble.combined; print({'tensorflow', 'sklearn', 'scipy', 'onnx'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
