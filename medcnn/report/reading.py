"""The tables that the stages before the report wrote, as arrays; a table that is not there has no rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medcnn.core.arrays import Floats, Integers
from medcnn.measures.curves import Curve
from medcnn.runtime import paths

Line = dict[str, str]


@dataclass(frozen=True)
class History:
    """One split's learning curve: a value an epoch."""

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
    tables = {model: _lines(paths.plots("train", study, model) / "history.csv") for model in models}
    return {
        model: {split: _history(of_split) for split, of_split in _grouped(lines, "split").items()}
        for model, lines in tables.items()
        if lines
    }


def confusions(study: str, models: Sequence[str], classes: Sequence[str]) -> dict[str, Integers]:
    """Counts (C, C) by model, row = the true class."""
    counts: dict[str, Integers] = {}
    for line in _evaluated("confusion", study, models):
        of_model = counts.setdefault(line["model"], np.zeros((len(classes), len(classes)), np.int64))
        of_model[classes.index(line["actual"]), classes.index(line["predicted"])] = int(line["images"])
    return counts


def rocs(study: str, models: Sequence[str]) -> dict[str, dict[str, Curve]]:
    """ROC curves by class and model."""
    return {
        name: {
            model: Curve(_floats(lines, "false_positive_rate"), _floats(lines, "true_positive_rate"))
            for model, lines in _grouped(of_class, "model").items()
        }
        for name, of_class in _grouped(_evaluated("roc", study, models), "class").items()
    }


def reliabilities(study: str, models: Sequence[str]) -> dict[str, dict[str, Reliability]]:
    """Reliability diagrams by model, before and after the temperature."""
    return {
        model: {
            when: Reliability(_floats(lines, "confidence"), _floats(lines, "accuracy"), _integers(lines, "images"))
            for when, lines in _grouped(of_model, "when").items()
        }
        for model, of_model in _grouped(_evaluated("reliability", study, models), "model").items()
    }


def errors(study: str, models: Sequence[str]) -> dict[str, dict[str, Errors]]:
    """Errors by class and model."""
    return {
        name: {model: _errors(lines) for model, lines in _grouped(of_class, "model").items()}
        for name, of_class in _grouped(_evaluated("errors", study, models), "class").items()
    }


def _history(lines: Sequence[Line]) -> History:
    return History(_integers(lines, "epoch"), _floats(lines, "loss"), _floats(lines, "accuracy"))


def _errors(lines: Sequence[Line]) -> Errors:
    rising = sorted(lines, key=lambda line: float(line["threshold"]))
    return Errors(
        _floats(rising, "threshold"), _integers(rising, "false_negatives"), _integers(rising, "false_positives")
    )


def _evaluated(table: str, study: str, models: Sequence[str]) -> list[Line]:
    lines = _lines(paths.plots("evaluate", study) / f"{table}.csv")
    return [line for line in lines if line["model"] in models]


def _lines(path: Path) -> list[Line]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _grouped(lines: Iterable[Line], column: str) -> Mapping[str, list[Line]]:
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line[column], []).append(line)
    return groups


def _floats(lines: Sequence[Line], column: str) -> Floats:
    return np.array([float(line[column]) for line in lines])


def _integers(lines: Sequence[Line], column: str) -> Integers:
    return np.array([int(line[column]) for line in lines], np.int64)
