from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core import files
from medcnn.runtime import paths
from tests.project import stage
from tests.results import examples

STUDY = "phantom"


@pytest.mark.parametrize("best", ["lite0", "ensemble_mean", "simple_lite0_cascade"])
def test_the_chosen_model_is_copied_whatever_it_is(best: str, tmp_path: Path) -> None:
    folder = tmp_path
    files.write_json(folder / paths.metrics("comparisons", STUDY), examples.compared(best, "simple"))
    for name in ("model.onnx", "model.int8.onnx"):
        for model in (best, "simple"):
            path = folder / paths.model(STUDY, model) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{model} {name}")
    stage(folder, "choose", STUDY)
    found = {path.name: path.read_text() for path in (folder / paths.chosen(STUDY)).iterdir()}
    assert found == {name: f"{best} {name}" for name in ("model.onnx", "model.int8.onnx")}
