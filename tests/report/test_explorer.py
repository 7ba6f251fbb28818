from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.core import files
from medcnn.core.arrays import Integers, Truths
from medcnn.dataset import predictions
from medcnn.report import explorer
from medcnn.results import base
from medcnn.results.evaluated import Evaluated
from medcnn.runtime import paths
from tests.report.example import example


def drawn(count: int, share: float) -> tuple[Truths, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.random(count) < share, rng.random(count)


def test_errors_come_first_then_the_least_sure():
    wrong, confidence = drawn(50, 0.3)
    order = explorer.shown_first(wrong, confidence)
    assert sorted(order) == list(range(50))
    errors = int(wrong.sum())
    assert wrong[order[:errors]].all()
    assert list(confidence[order[:errors]]) == sorted(confidence[wrong], reverse=True)
    assert list(confidence[order[errors:]]) == sorted(confidence[~wrong])


@pytest.mark.parametrize(("errors", "most"), [(0, 10), (6, 10), (9, 10), (10, 10), (15, 10), (3, 40), (3, 100)])
def test_where_not_all_fit_errors_stay_and_each_image_is_shown_once(errors: int, most: int):
    order: Integers = np.arange(40)
    shown = explorer.few(order, errors, most)
    assert len(set(shown.tolist())) == len(shown) == min(most, 40)
    assert set(order[: min(errors, most)]) <= set(shown)
    if errors < most < 40:
        assert shown[-1] == 39 or most - errors == 1


@pytest.mark.parametrize("study", ["phantom", "brain_mri"])
def test_answers_are_those_of_the_predictions_and_errors_those_of_the_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study: str
):
    made = example(tmp_path, study).evaluate()
    monkeypatch.chdir(tmp_path)
    evaluated = base.read(paths.metrics("evaluate", study), dict[str, Evaluated])
    best = files.read_json(paths.metrics("comparisons", study))["best"]
    found = explorer.explorer(study, best, evaluated)
    assert found is not None
    assert found.total == len(found.rows) == evaluated[best].test.support
    assert set(found.answers) == set(made.models)
    for model, answers in found.answers.items():
        table = predictions.read(paths.predicted(study, model)).of("test")
        expected = dict(zip(table.image_ids, table.probabilities.argmax(axis=1), strict=True))
        assert dict(zip(found.rows["image_id"], (said for (said,) in answers.outcomes), strict=True)) == expected
    right = np.mean([not wrong for wrong in found.wrong])
    assert right == pytest.approx(evaluated[best].test.get("accuracy"), abs=1e-6)
    few = explorer.explorer(study, best, evaluated, budget=12 * len(found.pictures[0]))
    assert few is not None
    assert len(few.rows) < few.total == found.total
    assert few.wrong[: few.errors] == [True] * min(few.errors, len(few.rows))
