"""A small project folder for tests: the real params.yaml, shrunk, and a study whose images are already prepared."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pytest
from ruamel.yaml import YAML

from medcnn.core import files, tables
from medcnn.dataset import manifest, pack
from medcnn.grouping import subgroups
from medcnn.params.shared.base import Block
from medcnn.runtime import locking, paths
from tests.results import examples

AnyBlock = TypeVar("AnyBlock", bound=Block)
ROOT = Path(__file__).parent.parent
SIZE = 32
SMALL_PHANTOM = {
    "studies.phantom.source.patients": 24,
    "studies.phantom.source.slices": 3,
    "studies.phantom.source.image_size": 64,
    "studies.phantom.images.size": 32,
    "studies.phantom.images.views.count": 1,
}
"""The built-in study with few and small images, for ``shrink``."""


def shrink(folder: Path, changes: dict[str, Any]) -> Path:
    """Write the real params.yaml into ``folder`` with some keys changed, ``{"a.b": value}``, and one seed of all."""
    yaml = YAML()
    tree = yaml.load(ROOT / "params.yaml")
    for path, value in ({"run.seeds": [0], "run.seeded": []} | changes).items():
        *parents, last = path.split(".")
        block = tree
        for key in parents:
            block = block[key]
        assert last in block, f"{path} is no key of params.yaml"
        block[last] = value
    yaml.dump(tree, folder / "params.yaml")
    return folder


def changed(block: AnyBlock, changes: dict[str, Any]) -> AnyBlock:
    """A block of params with some keys changed, ``{"labels.group": value}``."""
    for path, value in changes.items():
        key, _, rest = path.partition(".")
        inner = changed(getattr(block, key), {rest: value}) if rest else value
        block = block.model_copy(update={key: inner})
    return block


def prepared_study(folder: Path, study: str, classes: tuple[str, ...], images: int = 60, views: int = 1) -> Path:
    """Write the manifest and prepared pixels of a study whose classes differ in where a bright square lies."""
    rng = np.random.default_rng(0)
    labels = [classes[index % len(classes)] for index in range(images)]
    pixels = rng.integers(0, 120, (images, SIZE, SIZE, 3), np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        corner = 4 + 6 * classes.index(label)
        image[corner : corner + 8, 8:20] += 80
    splits = [("train", "train", "validation", "test")[(index // len(classes)) % 4] for index in range(images)]
    rows = manifest_rows(
        {"path": f"{study}/{index}.png", "label": label, "split": split}
        for index, (label, split) in enumerate(zip(labels, splits, strict=True))
    )
    manifest.write(folder / paths.manifest(study), rows)
    subgroups.write(folder / paths.subgroups(study), rows, pd.DataFrame())
    files.write_json(folder / paths.metrics("split", study), examples.split())
    prepared = folder / paths.prepared(study)
    packed(prepared, pack.IMAGES, pixels)
    training = pixels[[index for index, split in enumerate(splits) if split == "train"]]
    packed(prepared, pack.VIEWS, np.broadcast_to(training[:, :, ::-1], (views, *training.shape)))
    return folder


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that ``make`` fills once per session, whichever worker comes first. Leave it as it is."""
    base = factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / name / "project"
    with locking.held(folder.with_suffix(".lock"), f"makes {name}"):
        if not folder.with_suffix(".done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            folder.with_suffix(".done").touch()
    return folder


def packed(folder: Path, name: str, pixels: np.ndarray) -> None:
    """Write an array of images, uint8 (..., H, W, 3), as ``prepare`` would."""
    with pack.writing(folder, name, pixels.shape) as parts:
        for shard, rows in parts:
            pack.write(shard, pixels.reshape(-1, *pixels.shape[-3:])[rows])


def stage(folder: Path, name: str, *arguments: str) -> str:
    """Run a stage's ``main`` in this process, which has TensorFlow loaded already; returns what it printed."""
    main = importlib.import_module(f"stages.{name}").main
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as printed:
        patch.chdir(folder)
        main(*arguments)
    return printed.getvalue()


def run(folder: Path, module: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m module arguments`` in ``folder`` as a user would."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def manifest_rows(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """A manifest of images of which only what matters is given, at least the path."""
    filled = [_filled(row) for row in rows]
    return tables.frame({name: [row[name] for row in filled] for name in manifest.SCHEMA.columns}, manifest.SCHEMA)


def _filled(row: Mapping[str, Any]) -> dict[str, Any]:
    image_id = manifest.image_id(row["path"])
    return {
        "image_id": image_id,
        "label": "",
        "group": row["path"],
        "split": "",
        "fold": 0 if row.get("split") == "test" else 1,
        "width": SIZE,
        "height": SIZE,
        "mode": "RGB",
        "bytes": 1,
        "sha256": image_id * 5,
        "phash": "0" * 16,
        "duplicate_of": "",
        "status": manifest.USED,
        "reason": "",
        **row,
    }
