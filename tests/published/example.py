"""A project in which studies have run: the metrics, and the lock file that leads from the split to the evaluation."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import yaml

from medcnn.core import files
from medcnn.runtime import paths
from tests.project import ROOT, run
from tests.results import examples

TEST_IMAGES = 51
PATHS = {
    "split": ("metrics/split/{}.json", "data/splits/{}.csv"),
    "ensemble": ("data/splits/{}.csv", "data/ensembles/{}"),
    "evaluate": ("data/ensembles/{}", "metrics/evaluate/{}.json"),
}
ARCHIVE = "a" * 64


def project(folder: Path) -> Path:
    """The real params.yaml, and no run yet."""
    shutil.copy(ROOT / "params.yaml", folder / "params.yaml")
    return folder


def measure(folder: Path, study: str, on_leak: str, accuracies: Mapping[str, float], archive: str = ARCHIVE) -> None:
    """A run of a study, as far as the table sees it; every model's cross-entropy is 1 less its accuracy."""
    parts = {"train": {"one": 100}, "test": {"one": TEST_IMAGES - 20, "other": 20}}
    data = examples.split(on_leak=on_leak, splits=parts)
    figures = {
        model: examples.evaluated(accuracy=accuracy, cross_entropy=1 - accuracy, support=TEST_IMAGES)
        for model, accuracy in accuracies.items()
    }
    files.write_json(folder / paths.metrics("split", study), data)
    files.write_json(folder / paths.metrics("download", study), examples.download(sha256=archive))
    files.write_json(folder / paths.metrics("evaluate", study), figures)
    lock(folder, study)


def lock(folder: Path, study: str) -> None:
    """The lock file of a run that went through."""
    stages = {f"{stage}@{study}": _stage(folder, stage, study) for stage in PATHS}
    files.write_text(folder / "dvc.lock", yaml.safe_dump({"schema": "2.0", "stages": stages}))


def publish(folder: Path) -> str:
    """`make published`; what it printed."""
    done = run(folder, "stages.published")
    assert done.returncode == 0, done.stderr
    return done.stdout


def _stage(folder: Path, stage: str, study: str) -> dict:
    named = [path.format(study) for path in PATHS[stage]]
    before, after = (named[:0], named) if stage == "split" else (named[:1], named[1:])
    return {part: [_entry(folder, path) for path in names] for part, names in (("deps", before), ("outs", after))}


def _entry(folder: Path, path: str) -> dict[str, str]:
    content = (folder / path).read_bytes() if (folder / path).is_file() else (folder / paths.PARAMS).read_bytes()
    return {"path": path, "md5": hashlib.md5(content, usedforsecurity=False).hexdigest()}
