"""dvc.yaml says what the code does: a stage depends on the folders that it imports and the params that it declares."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from medcnn.benchmark.settings import Settings as Benchmark
from medcnn.careless.settings import Settings as Careless
from medcnn.download.settings import Settings as Download
from medcnn.ensemble.settings import Settings as Ensemble
from medcnn.evaluate.settings import Settings as Evaluate
from medcnn.explain.settings import Settings as Explain
from medcnn.export.settings import CombinedSettings
from medcnn.export.settings import Settings as Export
from medcnn.external.settings import Settings as External
from medcnn.learning_curve.settings import Settings as LearningCurve
from medcnn.params.shared.base import View
from medcnn.prepare.settings import Settings as Prepare
from medcnn.report.settings import Settings as Report
from medcnn.runtime import paths
from medcnn.split.settings import Settings as Split
from medcnn.stress.settings import Settings as Stress
from medcnn.suspects.settings import Settings as Suspects
from medcnn.train.settings import Repeating
from medcnn.train.settings import Settings as Train
from medcnn.weights.settings import Settings as Weights

ROOT = Path(__file__).parents[2]
PIPELINE: dict[str, Any] = YAML(typ="safe").load(ROOT / "dvc.yaml")
STAGES: dict[str, Any] = PIPELINE["stages"]
SETTINGS: dict[str, type[View]] = {
    "download": Download,
    "split": Split,
    "download_external": Download,
    "split_external": Split,
    "prepare": Prepare,
    "weights": Weights,
    "train": Train,
    "train_folds": Train,
    "train_distilled": Train,
    "chain": Train,
    "crossval": Repeating,
    "crossval_chain": Repeating,
    "careless": Careless,
    "ensemble": Ensemble,
    "evaluate": Evaluate,
    "learning_curve": LearningCurve,
    "suspects": Suspects,
    "explain": Explain,
    "stress": Stress,
    "export": Export,
    "export_chain": Export,
    "export_folds": Export,
    "export_distilled": Export,
    "export_ensembles": CombinedSettings,
    "choose": View,
    "external": External,
    "benchmark": Benchmark,
    "benchmark_chain": Benchmark,
    "benchmark_folds": Benchmark,
    "benchmark_distilled": Benchmark,
    "benchmark_ensembles": Benchmark,
    "report": Report,
}

SILENT = (
    # Console, errors, paths that dvc.yaml itself declares, and where tasks run: it shows in no byte of an output.
    Path("medcnn/runtime"),
    Path("medcnn/params/placement.py"),
    # Wrong params are refused before a stage begins: what words the refusal, and what checks the whole file, can do no
    # more than that.
    Path("medcnn/params/validation.py"),
    Path("stages/__init__.py"),
)


# Code.


def file_of(module: str) -> Path | None:
    path = Path(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if (ROOT / candidate).exists():
            return candidate
    return None


@cache
def imported_by(path: Path) -> frozenset[Path]:
    """The project's modules that a file imports, inside functions too, and the packages that they lie in."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    parts = (name.split(".") for name in names if name.split(".")[0] in {"medcnn", "stages"})
    found = {file_of(".".join(part[: end + 1])) for part in parts for end in range(len(part))}
    return frozenset(file for file in found if file)


def silent(path: Path) -> bool:
    return any(path.is_relative_to(place) for place in SILENT)


def code_of(stage: str) -> set[Path]:
    """Everything of the project that runs when a stage does, and shows in what it writes."""
    seen: set[Path] = set()
    waiting = [Path("stages", STAGES[stage]["cmd"].split()[2].split(".")[1]).with_suffix(".py")]
    while waiting:
        path = waiting.pop()
        if path not in seen and not silent(path):
            seen.add(path)
            waiting.extend(imported_by(path))
    # A page of a package that imports nothing holds no code.
    return {path for path in seen if path.name != "__init__.py" or imported_by(path)}


def needed(path: Path) -> Path:
    """What must be listed for a module: its folder, and of ``medcnn/params`` what lies in it."""
    return Path(*path.parts[: 3 if path.parts[1] == "params" else 2])


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_the_folders_that_it_imports(stage: str) -> None:
    listed = {Path(dep) for dep in STAGES[stage]["deps"] if dep.split("/")[0] in {"medcnn", "stages"}}
    data = {path for path in listed if path.suffix == ".yaml"}
    assert {str(path) for path in listed - data} == {str(needed(path)) for path in code_of(stage)}


def test_a_schema_of_the_gate_and_a_downloader_of_weights_retrain_nothing() -> None:
    for stage in (
        "train",
        "train_folds",
        "train_distilled",
        "chain",
        "crossval",
        "crossval_chain",
        "ensemble",
        "evaluate",
        "export",
    ):
        assert not {"medcnn/params/gate.py", "medcnn/weights"} & set(STAGES[stage]["deps"])


# Params.


def declared(view: type[View], at: str, items: dict[str, str]) -> Iterator[str]:
    """The key paths that a view reads: those of its own views one by one, of its other blocks as a whole."""
    for key, field in view.model_fields.items():
        path, kind = f"{at}{key}", field.annotation
        if key in items and not at:
            path, kind = f"{path}.${{item.{items[key]}}}", get_args(kind)[1]
        if isinstance(kind, type) and issubclass(kind, View) and kind.model_config["extra"] == "ignore":
            yield from declared(kind, f"{path}.", items)
        else:
            yield path
            # DVC's run cache leaves keys of this name out of what it hashes: a block with another size would be taken
            # for the block that was run before, and its outputs checked out.
            if any("size" in block.model_fields for block in blocks(kind)):
                yield f"{path}.size"


def blocks(kind: Any) -> list[type[BaseModel]]:
    """The block that a key holds, or each that it may hold."""
    if isinstance(kind, type):
        return [kind] if issubclass(kind, BaseModel) else []
    return [block for one in get_args(kind) if get_origin(kind) is not dict for block in blocks(one)]


@pytest.mark.parametrize("stage", SETTINGS)
def test_a_stage_depends_on_the_params_that_its_settings_declare(stage: str) -> None:
    matrix = STAGES[stage].get("matrix", {})
    wanted = {"studies": "study", "models": "second" if "second" in matrix else "model"}
    items = {key: item for key, item in wanted.items() if item in matrix}
    assert sorted(STAGES[stage].get("params", [])) == sorted(declared(SETTINGS[stage], "", items))


# The rest.


def test_the_stages_are_those_of_the_design() -> None:
    assert list(STAGES) == list(SETTINGS)


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_says_what_it_does(stage: str) -> None:
    assert STAGES[stage]["desc"]


def test_timings_are_no_out_of_any_stage() -> None:
    outs = [str(out) for stage in STAGES.values() for out in stage.get("outs", [])]
    assert outs
    assert not any("metrics/benchmark" in out for out in outs)


def test_cards_of_other_studies_stay_when_one_is_run() -> None:
    assert {"metrics/cards": {"cache": False, "persist": True}} in STAGES["report"]["outs"]


def test_every_study_has_its_chosen_model_in_the_registry() -> None:
    studies = YAML(typ="safe").load(ROOT / "params.yaml")["studies"]
    assert {name: artifact["path"] for name, artifact in PIPELINE["artifacts"].items()} == {
        # DVC takes no underscore in the name of an artifact.
        study.replace("_", "-"): str(paths.chosen(study) / "model.onnx")
        for study in studies
    }
