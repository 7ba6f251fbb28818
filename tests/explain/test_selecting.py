from __future__ import annotations

import numpy as np
import pytest

from medcnn.dataset.predictions import Predictions
from medcnn.explain.selecting import ERRORS, TYPICAL, UNCERTAIN, chosen

CLASSES = ("healthy", "nodule", "ground_glass")


def table(labels: list[int], probabilities: list[list[float]]) -> Predictions:
    names = tuple(f"image{row}" for row in range(len(labels)))
    shape = (len(labels), len(CLASSES))
    return Predictions(
        CLASSES, names, ("test",) * len(labels), np.array(labels, np.int64), np.array(probabilities).reshape(shape)
    )


def random_table(images: int, seed: int = 0) -> Predictions:
    rng = np.random.default_rng(seed)
    return table(rng.integers(0, 3, images).tolist(), rng.dirichlet([0.4, 0.4, 0.4], images).tolist())


def own_groups(predictions: Predictions) -> list[str]:
    return list(predictions.image_ids)


def test_errors_are_the_surest_uncertain_the_closest_and_every_class_has_its_successes() -> None:
    predictions = table(
        [0, 0, 1, 1, 2, 2, 0],
        [
            [0.1, 0.8, 0.1],  # wrong, quite sure
            [0.02, 0.0, 0.98],  # wrong, very sure
            [0.0, 1.0, 0.0],
            [0.1, 0.7, 0.2],
            [0.2, 0.2, 0.6],
            [0.3, 0.31, 0.39],  # barely right
            [0.9, 0.1, 0.0],
        ],
    )
    found = chosen(predictions, own_groups(predictions))
    assert found == {"errors": [1, 0], "uncertain": [], "typical": [6, 2, 3, 4, 5]}


def test_each_list_is_what_a_plain_search_finds_and_no_image_is_in_two() -> None:
    predictions = random_table(400)
    found = chosen(predictions, own_groups(predictions))
    probability, predicted = predictions.probabilities.max(axis=1), predictions.probabilities.argmax(axis=1)
    right = predicted == predictions.labels
    assert {kind: len(rows) for kind, rows in found.items()} == {
        "errors": ERRORS,
        "uncertain": UNCERTAIN,
        "typical": 3 * TYPICAL,
    }
    assert len({row for rows in found.values() for row in rows}) == ERRORS + UNCERTAIN + 3 * TYPICAL

    assert not right[found["errors"]].any()
    assert sorted(probability[~right])[-ERRORS:] == sorted(probability[found["errors"]])
    for label in range(3):
        ours = [row for row in found["typical"] if predictions.labels[row] == label]
        assert right[ours].all()
        assert sorted(probability[right & (predicted == label)])[-TYPICAL:] == sorted(probability[ours])
    second = np.sort(predictions.probabilities, axis=1)[:, 1]
    margins = probability - second
    assert margins[found["uncertain"]] == pytest.approx(np.sort(margins)[:UNCERTAIN])


def test_a_patient_is_shown_once_among_errors_and_uncertain_and_once_for_a_class() -> None:
    predictions = random_table(200)
    groups = [f"patient{row % 12}" for row in range(200)]
    found = chosen(predictions, groups)
    doubtful = [groups[row] for row in (*found["errors"], *found["uncertain"])]
    assert len(doubtful) == len(set(doubtful)) == ERRORS + UNCERTAIN
    for label in range(3):
        ours = [groups[row] for row in found["typical"] if predictions.labels[row] == label]
        assert len(set(ours)) == len(ours) == TYPICAL


def test_a_model_without_errors_has_none_and_ties_go_by_the_order_of_images() -> None:
    predictions = table([0] * 12, [[1.0, 0.0, 0.0]] * 12)
    assert chosen(predictions, own_groups(predictions)) == {
        "errors": [],
        "uncertain": [2, 3, 4, 5, 6, 7],
        "typical": [0, 1],
    }


def test_no_test_images_give_empty_lists() -> None:
    assert chosen(table([], []), []) == {"errors": [], "uncertain": [], "typical": []}
