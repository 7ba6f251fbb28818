"""Which test images of a model are worth a look, from its predictions alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from medcnn.dataset.predictions import Predictions

ERRORS = 6
"""Most wrongly classified images."""
UNCERTAIN = 6
"""Most uncertain images."""
TYPICAL = 2
"""Most confident successes of each class."""


def chosen(table: Predictions, groups: Sequence[str]) -> dict[str, list[int]]:
    """The most confident errors, the least certain images, and the surest successes of each class.

    An image is chosen once. A group has at most one image among the errors and the uncertain, and one among the
    successes of a class: slices of one patient, or copies of one image, would show one thing many times. Ties go by
    the order of the table.

    Args:
        table: predictions of N images.
        groups: N names of patients or scenes.

    Returns:
        Rows of ``table``: ``errors``, by the probability of the wrong class that was predicted, highest first;
        ``uncertain``, by the margin between the two most probable classes, smallest first; ``typical``, class by
        class, by probability, highest first.
    """
    ranked = np.sort(table.probabilities, axis=1)
    predicted = table.probabilities.argmax(axis=1)
    surest = np.argsort(-ranked[:, -1], kind="stable").tolist()
    closest = np.argsort(ranked[:, -1] - ranked[:, -2], kind="stable").tolist()

    errors = _of_distinct_groups((row for row in surest if predicted[row] != table.labels[row]), groups, ERRORS)
    typical: list[int] = []
    for label in range(len(table.classes)):
        right = (row for row in surest if predicted[row] == table.labels[row] == label)
        typical += _of_distinct_groups(right, groups, TYPICAL)
    in_errors = {groups[row] for row in errors}
    others = (row for row in closest if row not in typical and groups[row] not in in_errors)
    uncertain = _of_distinct_groups(others, groups, UNCERTAIN)
    return {"errors": errors, "uncertain": uncertain, "typical": typical}


def _of_distinct_groups(rows: Iterable[int], groups: Sequence[str], count: int) -> list[int]:
    """The first row of each group, as many as ``count``."""
    first_of: dict[str, int] = {}
    for row in rows:
        first_of.setdefault(groups[row], row)
    return list(first_of.values())[:count]
