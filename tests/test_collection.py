"""Collecting the tests takes seconds: no test module loads TensorFlow before one of its tests needs it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
LATE = {"keras", "tensorflow", "tf2onnx"}
"""What is imported inside of functions and fixtures, or through ``tests.lazy``."""


def at_once(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that run when a module does, those in its functions left out."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.ClassDef | ast.Try | ast.With):
            yield from at_once(node.body)


def file_of(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)


@cache
def imported(path: Path) -> frozenset[str]:
    """The modules that a file names in its imports, and their parents."""
    names: list[str] = []
    for node in at_once(ast.parse(path.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return frozenset(".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 2))


def loads(start: Path) -> set[str]:
    """Everything that importing a file imports, as far as this project names it."""
    seen, waiting, found = {start}, [start], set[str]()
    while waiting:
        modules = imported(waiting.pop())
        found |= modules
        files = {file for module in modules if (file := file_of(module))} - seen
        seen |= files
        waiting.extend(files)
    return found


def test_no_test_module_loads_tensorflow_when_it_is_collected() -> None:
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    assert len(tests) > 100
    assert {str(path.relative_to(ROOT)): found for path in tests if (found := loads(path) & LATE)} == {}


def test_no_test_module_pins_tensorflow_when_it_is_collected() -> None:
    files = [path for path in (ROOT / "tests").rglob("*.py") if "\npin_tensorflow(" in path.read_text(encoding="utf-8")]
    assert files == []


def test_the_rule_sees_an_import_at_second_hand() -> None:
    assert "keras" in loads(ROOT / "medcnn/networks/building.py")
    assert "medcnn.networks" in loads(ROOT / "medcnn/networks/building.py")
