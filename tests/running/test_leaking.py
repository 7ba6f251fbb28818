from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core import files
from medcnn.running.leaking import lines
from medcnn.runtime import paths
from tests.project import shrink
from tests.report.example import claim
from tests.results import examples


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files.write_json(paths.metrics("split", "phantom"), examples.split())
    return shrink(tmp_path, {})


def write(model: str, careless: float | None, leaked: int = 22) -> None:
    found = {"images": 24, "leaked": leaked, "honest": claim(0.6), "careless": careless and claim(careless)}
    files.write_json(paths.metrics("careless", "phantom", model), found)


def test_each_model_has_a_row_with_both_intervals_and_the_difference() -> None:
    write("simple", 0.975)
    write("lite0", 0.625)
    first, _, simple, lite0, last = lines("phantom", ["simple", "lite0"])
    assert "22 of 24" in first
    assert all(part in simple for part in ("0.975 [0.912, 0.995]", "0.600 [0.537, 0.620]", "+0.375"))
    assert "chance" in lite0
    assert "97.5%" in last


def test_it_is_said_where_there_is_nothing_to_claim() -> None:
    write("simple", None, leaked=0)
    assert len(list(lines("phantom", ["simple"]))) == 2
