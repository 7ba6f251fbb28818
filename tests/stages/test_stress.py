from __future__ import annotations

import csv
from pathlib import Path

import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.runtime import paths
from stages import stress
from tests.lazy import lazy
from tests.networks.blocks import built, settings
from tests.project import SIZE, prepared_study, shrink

saving = lazy("medcnn.networks.saving")

FIGURES = paths.metrics("stress", "brain_mri", "simple")
TABLE = paths.plots("stress", "brain_mri") / "simple.csv"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A prepared study of two classes."""
    monkeypatch.chdir(shrink(tmp_path, {"studies.brain_mri.images.size": SIZE}))
    return prepared_study(tmp_path, "brain_mri", ("healthy", "tumour"))


def test_metrics_and_table_hold_the_same_figures(folder: Path) -> None:
    network = built(settings("tiny", "flatten", output="sigmoid"), SIZE, 2)
    saving.save(network, paths.keras_model("brain_mri", "simple"))
    stress.main("brain_mri", "simple")
    figures = files.read_json(FIGURES)
    assert figures["images"] == 14
    with TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 25
    points = [{"kind": kind, **point} for kind, points in figures["degraded"].items() for point in points]
    by_strength = {(row["kind"], float(row["strength"])): row for row in rows}
    for point in points:
        row = by_strength[point["kind"], point["strength"]]
        for key in ("accuracy", "accuracy_low", "accuracy_high"):
            assert float(row[key]) == pytest.approx(point[key], abs=1e-6)


def test_a_model_that_was_not_trained_is_named(folder: Path) -> None:
    with pytest.raises(MedcnnError, match=r"data/models/brain_mri/simple/model.keras not found"):
        stress.main("brain_mri", "simple")
    assert not FIGURES.exists()
