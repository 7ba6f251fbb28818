from __future__ import annotations

import numpy as np
import pytest

from medcnn.params import whole
from medcnn.report.facts import gathered
from medcnn.report.mistakes import Group, counted
from medcnn.runtime import paths
from tests.report.example import example


def test_errors_are_counted_by_group_most_first():
    wrong = np.array([True, False, True, True, False])
    found = counted(["b", "a", "b", "a", "c"], list("vwxyz"), wrong)
    assert found.groups == (Group("b", 2, 2), Group("a", 2, 1), Group("c", 1, 0))
    assert (found.errors, len(found.wrong), found.copied) == (3, 2, 0)
    assert found.gathered


def test_one_error_or_even_ones_are_not_gathered():
    assert not counted(["a", "b"], ["x", "y"], np.array([True, False])).gathered
    assert not counted(["a", "b"], ["x", "y"], np.array([True, True])).gathered
    assert not counted(["a", "b"], ["x", "y"], np.array([False, False])).gathered


def test_errors_on_exact_copies_are_counted():
    assert counted(["a", "b", "c"], ["x", "x", "y"], np.array([True, True, True])).copied == 2
    assert counted(["a", "b", "c"], ["x", "x", "y"], np.array([True, False, True])).copied == 1


def test_they_are_the_chosen_models_and_absent_without_predictions(tmp_path, monkeypatch: pytest.MonkeyPatch):
    made = example(tmp_path).evaluate()
    monkeypatch.chdir(tmp_path)
    facts = gathered(made.study, whole.load(paths.PARAMS))
    assert facts.mistakes is not None
    counts = facts.confusions[facts.best]
    assert facts.mistakes.errors == counts.sum() - np.trace(counts)
    assert sum(group.images for group in facts.mistakes.groups) == counts.sum()
    made.predictions_of(facts.best).unlink()
    assert gathered(made.study, whole.load(paths.PARAMS)).mistakes is None
