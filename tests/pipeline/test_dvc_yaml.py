"""dvc.yaml says what the code does: a stage depends on the modules that it imports, and on no others."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
STAGES: dict[str, Any] = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]
NAMES = [
    "download", "split", "prepare", "weights", "train", "chain", "crossval", "crossval_chain", "ensemble", "evaluate",
    "explain", "stress", "export", "export_chain", "export_ensembles", "benchmark", "benchmark_chain",
    "benchmark_ensembles", "report",
]  # fmt: skip

# What they do shows in no byte of an output: messages, exit codes, paths that dvc.yaml itself declares, and where tasks
# run.
SILENT = {Path("medcnn", f"{name}.py") for name in ("cluster", "console", "fanout", "faults", "layout")}


def file_of(module: str) -> Path | None:
    path = Path(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if (ROOT / candidate).exists():
            return candidate
    return None


@cache
def imported_by(path: Path) -> frozenset[Path]:
    """The project's modules that a file names in its imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    found = {file_of(name) for name in names if name.split(".")[0] == "medcnn"}
    return frozenset(file for file in found if file)


def needed_by(script: Path) -> set[Path]:
    """Everything of the project that runs when a stage does; a bare package page holds no code."""
    seen: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting.extend(imported_by(path))
    return {path for path in seen - SILENT if path.name != "__init__.py" or imported_by(path)}


def declared_by(stage: dict[str, Any]) -> set[Path]:
    code = [Path(dep) for dep in stage["deps"] if dep.split("/")[0] in {"medcnn", "stages"} and dep.endswith(".py")]
    files: set[Path] = set()
    for path in code:
        files |= {file.relative_to(ROOT) for file in (ROOT / path).rglob("*.py")} if (ROOT / path).is_dir() else {path}
    return files


def test_the_stages_are_those_of_the_design() -> None:
    assert list(STAGES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_stage_depends_on_exactly_the_modules_that_it_uses(name: str) -> None:
    stage = STAGES[name]
    script = Path("stages", stage["cmd"].split()[2].split(".")[1]).with_suffix(".py")
    needed = needed_by(script)
    declared = {path for path in declared_by(stage) if path.name != "__init__.py" or path in needed}
    assert declared == needed


@pytest.mark.parametrize("name", NAMES)
def test_every_stage_says_what_it_does(name: str) -> None:
    assert len(STAGES[name]["desc"]) > 20


def test_timings_are_no_out_of_any_stage() -> None:
    outs = [str(out) for stage in STAGES.values() for out in stage.get("outs", [])]
    assert outs
    assert not any("metrics/benchmark" in out for out in outs)
