"""A model on a plain random split beside the same model on the split of the study.

Both are trained alike and tested on as many images of the same study. The intervals of both take groups for
independent, so that the training images alone make one of them look better.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from medcnn.dataset import folds, manifest
from medcnn.dataset.manifest import of_images
from medcnn.dataset.predictions import Predictions
from medcnn.grouping import leaks
from medcnn.measures import metrics
from medcnn.measures.statistics import intervals

_PARTS = {part: number for number, part in enumerate(manifest.SPLITS)}


def tested(rows: pd.DataFrame) -> dict[str, int]:
    """How many test images there are, and how many of them have a relative in training or validation.

    Args:
        rows: the used rows, each with its group and a part.
    """
    parts = rows["split"].map(_PARTS).to_numpy(np.int64)
    last = parts == _PARTS["test"]
    leaked = leaks.leaked(pd.factorize(rows["group"])[0], parts)
    return {"images": int(last.sum()), "leaked": int(leaked[last].sum())}


def says_something(careless: pd.DataFrame, own: pd.DataFrame) -> bool:
    """Whether a plain random split can be trained on, and leaks what the study's own does not.

    Args:
        careless: the used rows with their parts in the random split.
        own: the same with those of the study's split.
    """
    return tested(careless)["leaked"] > tested(own)["leaked"] and not folds.lacking(careless)


def claimed(table: Predictions, groups: pd.Series[str], confidence: float) -> dict[str, Any]:
    """Accuracy and area under the ROC curve on test with their intervals, as ``evaluate`` has them.

    Args:
        table: predictions of all images.
        groups: the group of each image id.
        confidence: level of the intervals.
    """
    test = table.of("test")
    scores, of_test = metrics.scores(test.labels, test.probabilities, test.classes), of_images(test.image_ids, groups)
    right = metrics.right(test.labels, test.probabilities)
    bounds = {
        "accuracy": intervals.proportion(right, of_test, confidence),
        "auroc": intervals.auroc(test.labels, test.probabilities, of_test, confidence),
    }
    found: dict[str, Any] = {}
    for key, bound in bounds.items():
        found |= {key: scores[key], f"{key}_low": bound.low, f"{key}_high": bound.high}
    return found
