"""Imports between the folders of medcnn run one way; `python -m tests.test_layers` prints them."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAYERS = (
    "init running searching showing reporting tracking predict demo review published",
    "download split prepare weights train careless learning_curve ensemble evaluate suspects explain stress export "
    "external benchmark report",
    "networks measures inference",
    "dataset grouping reading results pseudonyms",
    "params",
    "runtime",
    "core",
)
LEVEL = {folder: level for level, folders in enumerate(LAYERS) for folder in folders.split()}
"""A folder imports from deeper levels; on its own level only as far as ``BESIDE`` says."""
STAGES = 1
BESIDE = {(folder, "ensemble") for folder in ("evaluate", "export", "external", "benchmark", "report")}
# An external study's images are prepared as the home study's were.
BESIDE |= {("external", "prepare")}
# The page shows the tables that `make published` wrote, read by the types that wrote them.
UPWARD = {("report", "published")}


def imported(path: Path) -> Iterator[str]:
    """The modules that a file names in its imports, inside functions too; ``from a import b`` may be ``a.b``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows() -> dict[tuple[str, str], list[str]]:
    """Which files of one folder import from another folder, by the two folders."""
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for path in sorted((ROOT / "medcnn").glob("*/**/*.py")):
        source = path.relative_to(ROOT / "medcnn").parts[0]
        for module in imported(path):
            package, _, rest = module.partition(".")
            target = rest.split(".")[0]
            if package == "medcnn" and target != source:
                found[source, target].append(f"{path.relative_to(ROOT)}: {module}")
    return dict(found)


def test_every_module_lies_in_a_folder_of_a_layer() -> None:
    assert {path.name for path in (ROOT / "medcnn").glob("*.py")} == {"__init__.py", "__main__.py"}
    assert {path.parent.name for path in (ROOT / "medcnn").glob("*/__init__.py")} == set(LEVEL)


def test_imports_run_one_way() -> None:
    upward = {
        (source, target): files
        for (source, target), files in arrows().items()
        if (source, target) not in BESIDE | UPWARD
        and (LEVEL[source] > LEVEL[target] or LEVEL[source] == LEVEL[target] == STAGES)
    }
    assert upward == {}


def test_folders_do_not_import_in_circles() -> None:
    graph = defaultdict(set)
    for source, target in arrows():
        graph[source].add(target)
    assert list(TopologicalSorter(graph).static_order())


def test_stages_are_imported_by_nobody_and_not_by_each_other() -> None:
    code = [*(ROOT / "medcnn").rglob("*.py"), *(ROOT / "stages").glob("[!_]*.py")]
    scripts = {f"stages.{path.stem}" for path in (ROOT / "stages").glob("[!_]*.py")}
    assert [path for path in code for name in imported(path) if scripts & {name, name.rpartition(".")[0]}] == []
    library = [path for path in code if path.parent.name != "stages"]
    assert [path for path in library for name in imported(path) if name.split(".")[0] == "stages"] == []


if __name__ == "__main__":
    targets: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in arrows():
        targets[source].append(target)
    for folder in LEVEL:
        print(f"{folder:10} -> {' '.join(sorted(targets[folder], key=lambda name: (LEVEL[name], name)))}")
