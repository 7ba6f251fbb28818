"""The tables that the stages before the report wrote, as arrays; a table that is not there has no rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from medcnn.core import tables
from medcnn.core.arrays import Floats, Integers
from medcnn.core.tables import Schema
from medcnn.measures.curves import Curve
from medcnn.results.plots import EVALUATED, HISTORY
from medcnn.runtime import paths


@dataclass(frozen=True)
class History:
    """One split's learning curve: one value per epoch."""

    epochs: Integers
    loss: Floats
    accuracy: Floats


@dataclass(frozen=True)
class Reliability:
    """The bins of a reliability diagram that hold images: mean confidence, accuracy, how many images."""

    confidence: Floats
    accuracy: Floats
    images: Integers


@dataclass(frozen=True)
class Errors:
    """The errors on test of one class against the rest, at each threshold, rising."""

    thresholds: Floats
    false_negatives: Integers
    false_positives: Integers


def histories(study: str, models: Sequence[str]) -> dict[str, dict[str, History]]:
    """Learning curves by model and split, of the models that have one."""
    found = {model: _read(paths.plots("train", study, model) / "history.csv", HISTORY) for model in models}
    return {
        model: {
            split: History(_integers(part, "epoch"), _floats(part, "loss"), _floats(part, "accuracy"))
            for split, part in _grouped(table, "split").items()
        }
        for model, table in found.items()
        if len(table)
    }


def confusions(study: str, models: Sequence[str], classes: Sequence[str]) -> dict[str, Integers]:
    """Counts (C, C) by model, row = the true class."""
    counts: dict[str, Integers] = {}
    for model, part in _grouped(_evaluated("confusion", study, models), "model").items():
        rows, columns = ([classes.index(name) for name in part[side]] for side in ("actual", "predicted"))
        counts[model] = np.zeros((len(classes), len(classes)), np.int64)
        counts[model][rows, columns] = part["images"]
    return counts


def rocs(study: str, models: Sequence[str]) -> dict[str, dict[str, Curve]]:
    """ROC curves by class and model."""
    return _curves("roc", study, models, "false_positive_rate", "true_positive_rate")


def precision_recalls(study: str, models: Sequence[str]) -> dict[str, dict[str, Curve]]:
    """Precision over recall by class and model."""
    return _curves("pr", study, models, "recall", "precision")


def reliabilities(study: str, models: Sequence[str]) -> dict[str, dict[str, Reliability]]:
    """Reliability diagrams by model, before and after the temperature."""
    return {
        model: {
            when: Reliability(_floats(part, "confidence"), _floats(part, "accuracy"), _integers(part, "images"))
            for when, part in _grouped(of_model, "when").items()
        }
        for model, of_model in _grouped(_evaluated("reliability", study, models), "model").items()
    }


def errors(study: str, models: Sequence[str]) -> dict[str, dict[str, Errors]]:
    """Errors by class and model."""
    return {
        name: {model: _errors(part.sort_values("threshold")) for model, part in _grouped(of_class, "model").items()}
        for name, of_class in _grouped(_evaluated("errors", study, models), "class").items()
    }


def _curves(name: str, study: str, models: Sequence[str], x: str, y: str) -> dict[str, dict[str, Curve]]:
    return {
        label: {model: Curve(_floats(part, x), _floats(part, y)) for model, part in _grouped(of_class, "model").items()}
        for label, of_class in _grouped(_evaluated(name, study, models), "class").items()
    }


def _errors(rising: pd.DataFrame) -> Errors:
    return Errors(
        _floats(rising, "threshold"), _integers(rising, "false_negatives"), _integers(rising, "false_positives")
    )


def _evaluated(name: str, study: str, models: Sequence[str]) -> pd.DataFrame:
    table = _read(paths.plots("evaluate", study) / f"{name}.csv", EVALUATED[name])
    return table[table["model"].isin(models)]


def _read(path: Path, schema: Schema) -> pd.DataFrame:
    return tables.read(path, schema) if path.exists() else tables.collected((), schema.columns)


def _grouped(table: pd.DataFrame, column: str) -> dict[str, pd.DataFrame]:
    return {str(name): part for name, part in table.groupby(column, sort=False)}


def _floats(table: pd.DataFrame, column: str) -> Floats:
    return table[column].to_numpy(np.float64)


def _integers(table: pd.DataFrame, column: str) -> Integers:
    return table[column].to_numpy(np.int64)
