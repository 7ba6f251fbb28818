"""The list of suspect labels, and how well it finds those that are known to be wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd

from medcnn.core import tables
from medcnn.dataset.predictions import Predictions
from medcnn.results.suspects import SUSPECTS
from medcnn.suspects import confident, flips
from medcnn.suspects.answers import Answers
from medcnn.suspects.flips import Flips

LIKELY = 0.5
"""The chance from which a label is rather wrong than right."""


def noise(table: Predictions, confidence: float) -> Flips:
    """The label noise of all images; of several findings the same in each.

    Args:
        table: images, and probabilities of networks that were not trained on them.
        confidence: level of the interval.
    """
    every = list(_apart(table))
    labels = np.concatenate([one.labels for one in every])
    return flips.fitted(labels, np.concatenate([one.probabilities for one in every]), confidence)


def listed(table: Predictions, fitted: Flips, paths: pd.Series[str]) -> pd.DataFrame:
    """The suspect labels as ``SUSPECTS``: by chance, then by margin, the most suspect first, equal ones by path.

    Args:
        table: images, and probabilities of networks that were not trained on them.
        fitted: label noise.
        paths: of the images of the study, by id.
    """
    rows = pd.concat([_of_one(one, fitted, paths) for one in _apart(table)])
    rows = rows.sort_values(["chance", "margin", "path"], ascending=[False, True, True], kind="stable")
    return tables.frame({name: rows[name].tolist() for name in SUSPECTS.columns}, SUSPECTS)


def facts(
    answers: Answers, fitted: Flips, rows: pd.DataFrame, images: int, planted: Collection[str] | None
) -> dict[str, Any]:
    """What ``results.suspects.Suspects`` holds.

    Args:
        answers: what was looked at.
        fitted: label noise.
        rows: the list.
        images: how many the study has.
        planted: ids of images that are known to have a wrong label; None where nothing is known.
    """
    likely = rows.loc[rows["chance"] >= LIKELY, "image_id"]
    pairs = rows.groupby(["label", "suggested"]).size()
    return {
        "model": answers.model,
        "how": answers.how,
        "images": len(answers.table),
        "of": images,
        "listed": len(rows),
        "likely": len(likely),
        "expected": float(rows["chance"].sum()),
        "estimated": fitted.share,
        "estimated_low": fitted.low,
        "estimated_high": fitted.high,
        "by_label": {
            str(label): {str(name): int(count) for name, count in pairs[label].items()}
            for label in pairs.index.unique("label")
        },
        "planted": None if planted is None else _against(rows["image_id"], likely, planted, answers.table.image_ids),
    }


def _apart(table: Predictions) -> Iterator[Predictions]:
    """The table itself, or of several findings one table each."""
    if table.multi_label:
        yield from map(table.of_finding, range(len(table.classes)))
    else:
        yield table


def _of_one(table: Predictions, fitted: Flips, paths: pd.Series[str]) -> pd.DataFrame:
    labels, probabilities = table.labels, table.probabilities
    margins, likeliest = confident.margins(labels, probabilities), probabilities.argmax(axis=1)
    chances = flips.wrong(labels, probabilities, fitted)
    where = np.flatnonzero(confident.suspected(labels, probabilities) | (chances >= LIKELY))
    ids, names = table.image_ids[where], np.array(table.classes, object)
    return pd.DataFrame(
        {
            "image_id": ids,
            "path": paths.loc[ids].array,
            "split": np.asarray(table.splits.astype(str))[where],
            "label": names[labels[where]],
            "suggested": names[likeliest[where]],
            "chance": chances[where],
            "margin": margins[where],
            "probability": probabilities[where, likeliest[where]],
        }
    )


def _against(
    listed: Collection[str], likely: Collection[str], planted: Collection[str], looked_at: Collection[str]
) -> dict[str, Any]:
    """The list, and what is likely wrong on it, held against what is known."""
    wrong = set(planted) & set(looked_at)
    found, sure = len(wrong & set(listed)), len(wrong & set(likely))
    return {
        "images": len(wrong),
        "found": found,
        "precision": found / len(listed) if len(listed) else None,
        "recall": found / len(wrong) if wrong else None,
        "likely": sure,
        "likely_precision": sure / len(likely) if len(likely) else None,
        "likely_recall": sure / len(wrong) if wrong else None,
    }
