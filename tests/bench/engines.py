"""The engines beside each other at 224 pixels, on networks of the size that studies publish."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from medcnn.core import files
from medcnn.runtime import paths
from tests.bench.timing import output, timed
from tests.project import ROOT, shrink

STUDY = "phantom"
BASELINE = "tensorflow"
INT8 = "onnxruntime_int8"
RANDOM = {"resnet50v2": "ResNet50V2", "vgg16": "VGG16"}
"""Models whose weights are random here: speed does not depend on them."""
BARS = {"resnet50v2": (INT8, 4.0), "vgg16": (INT8, 3.5), "lite0": ("the fastest", 4.0)}
"""Which engine has to be how many times faster than the traced TensorFlow graph, one image a call."""
CHANGES: dict[str, Any] = {
    f"studies.{STUDY}.images.size": 224,
    f"studies.{STUDY}.source.patients": 40,
    f"studies.{STUDY}.source.slices": 4,
    f"studies.{STUDY}.images.views.count": 1,
}


def main() -> None:
    """Train, export and benchmark each model with the real stages, then print the table with its bars."""
    with tempfile.TemporaryDirectory() as name:
        project = _project(Path(name))
        for stage in ("download", "split", "prepare"):
            _stage(project, stage, STUDY)
        blocks = {model: _benchmarked(project, model) for model in BARS}
    machine = blocks["lite0"]["machine"]
    print(f"{machine['cpu']}, {machine['cores']} cores, {blocks['lite0']['threads']} threads, 224 pixels, batch of 1")
    print(f"{'model':<12}{'engine':<20}{'p50 ms':>9}{'speed-up':>10}{'over the rounds':>18}{'accuracy':>10}{'bar':>7}")
    for model, block in blocks.items():
        _print_engines(model, block["engines"])


def _project(folder: Path) -> Path:
    weights = {model: folder / f"{model}.h5" for model in RANDOM}
    pairs = (f"{RANDOM[model]}={path}" for model, path in weights.items())
    output(folder, sys.executable, "-m", "tests.bench.random_weights", *pairs, environment={"PYTHONPATH": str(ROOT)})
    project = folder / "project"
    project.mkdir()
    return shrink(project, CHANGES | {f"models.{model}.weights": str(path) for model, path in weights.items()})


def _benchmarked(project: Path, model: str) -> dict[str, Any]:
    _stage(project, "weights", model)
    for stage in ("train", "export", "benchmark"):
        _stage(project, stage, STUDY, model)
    block: dict[str, Any] = files.read_json(project / paths.metrics("benchmark", STUDY, model))
    return block


def _print_engines(model: str, engines: dict[str, Any]) -> None:
    fastest = min(engines, key=lambda name: engines[name]["single_stream"]["p50_ms"])
    engine, bar = BARS[model]
    for name, found in engines.items():
        p50, ratio = found["single_stream"]["p50_ms"], found.get("speedup")
        speedup = f"{ratio['median']:>10.2f}{ratio['lowest']:>10.2f} to {ratio['highest']:<5.2f}" if ratio else " " * 29
        held = name == (fastest if engine == "the fastest" else engine)
        noisy = " noisy" if found["single_stream"]["noisy"] else ""
        accuracy, wanted = found["test"]["accuracy"], f"{bar:>7}" if held else ""
        print(f"{model:<12}{name:<20}{p50:>9.2f}{speedup}{accuracy:>9.3f}{wanted}{noisy}")


def _stage(project: Path, stage: str, *arguments: str) -> None:
    timed(project, sys.executable, "-m", f"stages.{stage}", *arguments, PYTHONPATH=str(ROOT))
