"""The list of suspect labels, and how well it finds those that are known to be wrong."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd

from medcnn.core import tables
from medcnn.dataset.predictions import Predictions
from medcnn.results.suspects import SUSPECTS
from medcnn.suspects import confident
from medcnn.suspects.answers import Answers


def listed(table: Predictions, paths: pd.Series[str]) -> pd.DataFrame:
    """The suspect labels as ``SUSPECTS``, by margin, the most suspect first, equal ones by path.

    Args:
        table: images, and probabilities of networks that were not trained on them.
        paths: of the images of the study, by id.
    """
    rows = pd.concat([_of_one(one, paths) for one in _apart(table)])
    rows = rows.sort_values(["margin", "path"], kind="stable")
    return tables.frame({name: rows[name].tolist() for name in SUSPECTS.columns}, SUSPECTS)


def facts(answers: Answers, rows: pd.DataFrame, images: int, planted: Collection[str] | None) -> dict[str, Any]:
    """What ``results.suspects.Suspects`` holds.

    Args:
        answers: what was looked at.
        rows: the list.
        images: how many the study has.
        planted: ids of images that are known to have a wrong label; None where nothing is known.
    """
    every = list(_apart(answers.table))
    pairs = rows.groupby(["label", "suggested"]).size()
    return {
        "model": answers.model,
        "how": answers.how,
        "images": len(answers.table),
        "of": images,
        "listed": len(rows),
        "estimated": float(np.mean([confident.wrong_share(one.labels, one.probabilities) for one in every])),
        "by_label": {
            str(label): {str(name): int(count) for name, count in pairs[label].items()}
            for label in pairs.index.unique("label")
        },
        "planted": None if planted is None else _found(set(rows["image_id"]), planted, answers.table.image_ids),
    }


def _apart(table: Predictions) -> Iterator[Predictions]:
    """The table itself, or of several findings one table each."""
    if table.multi_label:
        yield from map(table.of_finding, range(len(table.classes)))
    else:
        yield table


def _of_one(table: Predictions, paths: pd.Series[str]) -> pd.DataFrame:
    labels, probabilities = table.labels, table.probabilities
    margins, likeliest = confident.margins(labels, probabilities), probabilities.argmax(axis=1)
    where = np.flatnonzero(confident.suspected(labels, probabilities))
    ids, names = table.image_ids[where], np.array(table.classes, object)
    return pd.DataFrame(
        {
            "image_id": ids,
            "path": paths.loc[ids].array,
            "split": np.asarray(table.splits.astype(str))[where],
            "label": names[labels[where]],
            "suggested": names[likeliest[where]],
            "margin": margins[where],
            "probability": probabilities[where, likeliest[where]],
        }
    )


def _found(listed: Collection[str], planted: Collection[str], looked_at: Collection[str]) -> dict[str, Any]:
    wrong = set(planted) & set(looked_at)
    found = len(wrong & set(listed))
    return {
        "images": len(wrong),
        "found": found,
        "precision": found / len(listed) if listed else None,
        "recall": found / len(wrong) if wrong else None,
    }
