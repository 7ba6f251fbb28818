"""What the report shows of a study, read from the metrics and plots of the stages before it."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from medcnn import combining, files, layout, manifest
from medcnn.console import MedcnnError
from medcnn.curves import Curve, Floats, Integers
from medcnn.params import Params
from medcnn.params.studies import Study
from medcnn.reproduction import table
from medcnn.reproduction.table import Table


@dataclass(frozen=True)
class History:
    """One split's learning curve: a value an epoch."""

    epochs: Integers
    loss: Floats
    accuracy: Floats


@dataclass(frozen=True)
class Facts:
    """Everything known about one study. A stage that did not run leaves an empty block, never an invented number.

    Attributes:
        models: names in the order of the run, ensembles and cascades last.
        evaluated: ``metrics/evaluate/S.json``.
        data: ``metrics/split/S.json``.
        download: ``metrics/download/S.json``.
        combined: ``metrics/ensemble/S.json``.
        trained: ``metrics/train/S/M.json`` by model.
        exported: ``metrics/export/S/M.json`` by model.
        timed: ``metrics/benchmark/S/M.json`` by model.
        histories: learning curves by model and split.
        confusions: counts (C, C) by model, row = the true class.
        rocs: ROC curves by class and model.
        test_groups: how many groups, of linked patients and duplicates, the test images come from.
        contact_sheet: the picture that ``prepare`` made, if it did.
        published: the study as published beside what is measured here, if it was ever set so.
    """

    name: str
    study: Study
    models: tuple[str, ...]
    evaluated: dict[str, Any]
    data: dict[str, Any]
    download: dict[str, Any]
    combined: dict[str, Any]
    trained: dict[str, dict[str, Any]]
    exported: dict[str, dict[str, Any]]
    timed: dict[str, dict[str, Any]]
    histories: dict[str, dict[str, History]]
    confusions: dict[str, Integers]
    rocs: dict[str, dict[str, Curve]]
    test_groups: int
    contact_sheet: Path | None
    published: Table | None

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the study."""
        return self.study.class_names

    @property
    def best(self) -> str:
        """The model of the lowest cross-entropy on validation among those not fitted on it; test decides nothing."""
        return min((model for model in self.models if model not in self.fitted), key=self._validation_cross_entropy)

    @property
    def fitted(self) -> tuple[str, ...]:
        """The ensembles and cascades that were fitted on validation."""
        names = (*(f"ensemble_{combiner}" for combiner in combining.FITTED), *self.combined["cascades"])
        return tuple(name for name in names if name in self.models)

    @property
    def macs(self) -> dict[str, int]:
        """Multiply-accumulates for one image, by model; of cascades the mean over test."""
        return dict(self.combined["macs"])

    @property
    def leaky(self) -> bool:
        """Whether patients or duplicates lie on two sides of the split, so that the figures are flattered."""
        return bool(self.data["leak"]["this_split"])

    @property
    def synthetic(self) -> bool:
        """Whether the images are drawn by the built-in generator."""
        return self.study.source.kind == "phantom"

    def _validation_cross_entropy(self, model: str) -> float:
        value = self.evaluated[model]["validation"]["cross_entropy"]
        return math.inf if value is None else float(value)


def gathered(name: str, settings: Params) -> Facts:
    """Read everything about one study.

    Raises:
        MedcnnError: the study was not split, or not evaluated with every model of the run.
    """
    study = settings.study(name)
    evaluated, combined = _needed(layout.metrics("evaluate", name)), _needed(layout.metrics("ensemble", name))
    # A run of one model has no ensembles.
    ensembles = (f"ensemble_{key}" for key in settings.ensemble.combiners if key in combined["combiners"])
    models = (*settings.run.trained, *ensembles, *settings.run.cascaded)
    for model in models:
        if model not in evaluated:
            raise MedcnnError(f"{layout.metrics('evaluate', name)} lacks model '{model}'; run `dvc repro`")
    sheet = layout.plots("prepare", name) / "contact_sheet.png"
    return Facts(
        name=name,
        study=study,
        models=models,
        evaluated=evaluated,
        data=_needed(layout.metrics("split", name)),
        download=_known(layout.metrics("download", name)),
        combined=combined,
        trained=_by_model("train", name, models),
        exported=_by_model("export", name, models),
        timed=_timed(name, models),
        histories=_histories(name, models),
        confusions=_confusions(layout.plots("evaluate", name) / "confusion.csv", models, study.class_names),
        rocs=_rocs(layout.plots("evaluate", name) / "roc.csv", models),
        test_groups=len({row.group for row in manifest.used(layout.manifest(name)) if row.split == "test"}),
        contact_sheet=sheet if sheet.exists() else None,
        published=table.read(name),
    )


def _needed(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise MedcnnError(f"{path} not found; run `dvc repro` to make it")
    return _known(path)


def _known(path: Path) -> dict[str, Any]:
    return dict(files.read_json(path)) if path.exists() else {}


def _by_model(stage: str, study: str, models: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    blocks = {model: _known(layout.metrics(stage, study, model)) for model in models}
    return {model: block for model, block in blocks.items() if block}


def _timed(study: str, models: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Timings of the very models that were exported; DVC does not keep timings, so older ones may lie there."""
    exported, timed = (_by_model(stage, study, models) for stage in ("export", "benchmark"))
    return {
        model: block for model, block in timed.items() if block["model_sha256"] == exported.get(model, {}).get("sha256")
    }


def _histories(study: str, models: tuple[str, ...]) -> dict[str, dict[str, History]]:
    tables = {model: _rows(layout.plots("train", study, model) / "history.csv") for model in models}
    return {model: _by_split(rows) for model, rows in tables.items() if rows}


def _by_split(rows: list[dict[str, str]]) -> dict[str, History]:
    splits = dict.fromkeys(row["split"] for row in rows)
    return {split: _history([row for row in rows if row["split"] == split]) for split in splits}


def _history(rows: list[dict[str, str]]) -> History:
    return History(
        np.array([int(row["epoch"]) for row in rows]),
        np.array([float(row["loss"]) for row in rows]),
        np.array([float(row["accuracy"]) for row in rows]),
    )


def _confusions(path: Path, models: tuple[str, ...], classes: tuple[str, ...]) -> dict[str, Integers]:
    counts: dict[str, Integers] = {}
    for row in _of_models(path, models):
        of_model = counts.setdefault(row["model"], np.zeros((len(classes), len(classes)), np.int64))
        of_model[classes.index(row["actual"]), classes.index(row["predicted"])] = int(row["images"])
    return counts


def _rocs(path: Path, models: tuple[str, ...]) -> dict[str, dict[str, Curve]]:
    points: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for row in _of_models(path, models):
        point = float(row["false_positive_rate"]), float(row["true_positive_rate"])
        points.setdefault(row["class"], {}).setdefault(row["model"], []).append(point)
    return {
        name: {model: Curve(*np.array(of_model).T) for model, of_model in by_model.items()}
        for name, by_model in points.items()
    }


def _of_models(path: Path, models: tuple[str, ...]) -> list[dict[str, str]]:
    return [row for row in _rows(path) if row["model"] in models]


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
