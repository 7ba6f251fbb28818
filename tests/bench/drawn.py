"""Predictions that are drawn instead of trained, so that ``evaluate`` has something to read.

python -m tests.bench.drawn STUDY MODEL...
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

from medcnn.core import files, seeding
from medcnn.dataset import manifest, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.params import whole
from medcnn.results.plots import HISTORY
from medcnn.runtime import paths


def main() -> None:
    """Write predictions of each model, right for about four images in five, and what the run was joined from."""
    study, *models = sys.argv[1:]
    rows = manifest.used(paths.manifest(study))
    classes = whole.load().study(study).labels.class_names
    for model in models:
        predictions.write(paths.predictions(study) / f"{model}.csv", _drawn(rows, classes, model))
        history = paths.plots("train", study, model) / "history.csv"
        files.write_csv(history, tuple(HISTORY.columns), [])
    nothing: dict[str, object] = {"combiners": {}, "chosen": None, "cascades": {}, "macs": dict.fromkeys(models, 1)}
    files.write_json(paths.metrics("ensemble", study), nothing)


def _drawn(rows: pd.DataFrame, classes: tuple[str, ...], model: str) -> Predictions:
    labels = pd.Categorical(rows["label"], classes).codes.astype(np.int64)
    scores = seeding.derived("predictions", model).normal(size=(len(rows), len(classes)))
    scores[np.arange(len(rows)), labels] += 2
    odds = np.exp(scores)
    return Predictions(
        classes=classes,
        image_ids=rows["image_id"],
        splits=rows["split"],
        labels=labels,
        probabilities=odds / odds.sum(axis=1, keepdims=True),
    )


if __name__ == "__main__":
    main()
