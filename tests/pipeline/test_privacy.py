"""What leaves the house of a run: metrics and the lock in git, page, card, checklists, exported models, answers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from medcnn.core import files
from medcnn.runtime import paths
from tests.project import run, stage

pytestmark = pytest.mark.slow
NAMED = re.compile(rb"patient_\d+|slice_\d+|phantom/(healthy|nodule|spiculated|ground_glass)/")
"""The images' folders and files, which a hospital would name after people."""
HOUSE = ("metrics/download/phantom.json",)
"""It lists the faults that the built-in study was drawn with; others have none."""


@pytest.fixture(scope="module")
def handed_on(ran: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without DVC and git, whose stages are run again one by one."""
    ignored = shutil.ignore_patterns(".dvc", ".git", "medcnn", "stages", "tests", "cards", "report", "reporting")
    return Path(shutil.copytree(ran, tmp_path_factory.mktemp("privacy") / "project", symlinks=True, ignore=ignored))


def leaving(folder: Path) -> Iterator[Path]:
    for pattern in ("metrics/**/*", "plots/report/**/*", "docs/reporting/*", "data/**/*.onnx", "answers.*"):
        yield from (
            path for path in folder.glob(pattern) if path.is_file() and str(path.relative_to(folder)) not in HOUSE
        )


def drawn(folder: Path, privacy: str, *stages: str) -> str:
    yaml = YAML()
    tree = yaml.load(folder / paths.PARAMS)
    tree["report"]["privacy"] = privacy
    yaml.dump(tree, folder / paths.PARAMS)
    for name in stages:
        stage(folder, name, "phantom")
    stage(folder, "report")
    done = run(folder, "medcnn", "checklist", "phantom")
    assert done.returncode == 0, done.stderr
    return (folder / paths.REPORT).read_text(encoding="utf-8")


def test_no_name_of_a_file_or_patient_leaves(handed_on: Path):
    assert NAMED.search(drawn(handed_on, "full").encode()), "the page names files where nothing is held back"
    for privacy, stages in {"no_images": ("split", "explain"), "figures_only": ()}.items():
        drawn(handed_on, privacy, *stages)
        kept = [path for path in leaving(handed_on) if NAMED.search(path.read_bytes())]
        assert kept == [], privacy
    shown = files.read_json(handed_on / paths.metrics("explain", "phantom"))["images"]
    named = {item["file"] for of_kind in shown.values() for item in of_kind}
    assert named == {path.name for path in (handed_on / paths.plots("explain", "phantom")).iterdir()}
