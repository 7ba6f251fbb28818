"""``plots/demo/``: the page's scripts, onnxruntime-web, the exported models with their cards, and an index of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest
from medcnn.demo import vendoring
from medcnn.demo.serving import INDEX
from medcnn.params.whole import Params
from medcnn.predict.model import load
from medcnn.reading.archive import open_archive, raw_archive
from medcnn.results.base import read
from medcnn.results.compared import Compared
from medcnn.runtime import paths

PAGE = Path(__file__).parent / "page"
EXPORTED = {"float32": paths.onnx_model, "int8": paths.int8_model}
SAMPLES = 2
"""Test images of each class."""


def gather(settings: Params) -> None:
    """Make ``plots/demo/`` anew; the index comes last, so that an unfinished demo is not shown.

    Raises:
        MedcnnError: no model of a study is exported, an exported file is of another version, or onnxruntime-web cannot
            be had.
    """
    exported = {study: _exported(study) for study in settings.run.studies}
    vendoring.RUNTIME.fetch()
    shutil.rmtree(paths.DEMO, ignore_errors=True)
    vendoring.copy_runtime(paths.DEMO / "ort")
    _copy(sorted(PAGE.glob("*.js")), paths.DEMO)
    studies = [_study(name, settings, models) for name, models in exported.items()]
    files.write_json(paths.DEMO / INDEX, {"studies": studies})


def _exported(study: str) -> list[str]:
    """The names of the models that can be shown, the chosen one first, the others by their rank."""
    compared = read(paths.metrics("comparisons", study), Compared)
    ranked = sorted(compared.ranking, key=lambda name: name != compared.best)
    found = [name for name in ranked if paths.onnx_model(study, name).exists()]
    if not found:
        raise MedcnnError(f"no model of the study {study} is exported: `dvc repro` does it")
    return found


def _study(name: str, settings: Params, models: Sequence[str]) -> dict[str, Any]:
    """Copy what a study shows; returns its part of the index."""
    study = settings.study(name)
    return {
        "name": name,
        "title": study.title,
        "chosen": read(paths.metrics("comparisons", name), Compared).best,
        "models": [_model(name, model) for model in models],
        # Images of other studies may not be redistributed, or may show someone.
        "samples": list(_samples(name)) if study.source.kind == "phantom" else [],
    }


def _model(study: str, name: str) -> dict[str, Any]:
    """Copy the files of a model, each with its card beside it; returns its part of the index."""
    sources = {precision: path(study, name) for precision, path in EXPORTED.items()}
    copies: dict[str, str] = {}
    for precision, source in sources.items():
        if source.exists():
            copy = Path("models", study, name, source.name)
            _copy([source], paths.DEMO / copy.parent)
            files.write_json(paths.DEMO / f"{copy}.json", load(source).card.metadata)
            copies[precision] = copy.as_posix()
    return {"name": name, "files": copies}


def _samples(study: str) -> Iterator[dict[str, str]]:
    """Write a few test images of each class as they were published; yields their part of the index."""
    with open_archive(raw_archive(paths.raw(study))) as archive:
        rows = _of_each_class(manifest.used(paths.manifest(study)))
        for image_id, path, label in zip(rows["image_id"], rows["path"], rows["label"], strict=True):
            copy = Path("samples", study, f"{image_id}{Path(path).suffix}")
            files.write_bytes(paths.DEMO / copy, archive.read(path))
            yield {"file": copy.as_posix(), "label": label}


def _of_each_class(rows: pd.DataFrame) -> pd.DataFrame:
    """The first test images of each class, of different groups, in an order that says nothing of their classes."""
    firsts = rows[rows["split"] == "test"].drop_duplicates(["label", "group"])
    return firsts.groupby("label").head(SAMPLES).sort_values("sha256", kind="stable")


def _copy(sources: Sequence[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        shutil.copyfile(source, folder / source.name)
