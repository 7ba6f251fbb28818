from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from medcnn.params import whole
from medcnn.report.gathering import gathered
from medcnn.report.mistakes import Group, counted
from medcnn.runtime import paths
from tests.report.example import example


def rows(groups: str, hashes: str, labels: str = "") -> pd.DataFrame:
    return pd.DataFrame({"group": list(groups), "sha256": list(hashes), "label": list(labels or "n" * len(groups))})


def test_errors_are_counted_by_group_most_first():
    wrong = np.array([True, False, True, True, False])
    found = counted(rows("babac", "vwxyz"), wrong)
    assert found.groups == (Group("b", 2, 2), Group("a", 2, 1), Group("c", 1, 0))
    assert (found.errors, len(found.wrong), found.copied) == (3, 2, 0)
    assert found.gathered


def test_one_error_or_even_ones_are_not_gathered():
    assert not counted(rows("ab", "xy"), np.array([True, False])).gathered
    assert not counted(rows("ab", "xy"), np.array([True, True])).gathered
    assert not counted(rows("ab", "xy"), np.array([False, False])).gathered


def test_errors_on_exact_copies_are_counted():
    assert counted(rows("abc", "xxy"), np.array([True, True, True])).copied == 2
    assert counted(rows("abc", "xxy"), np.array([True, False, True])).copied == 1


def test_groups_with_images_of_several_classes_are_counted():
    assert counted(rows("aabbc", "vwxyz", "nmnnm"), np.zeros(5, bool)).mixed == 1


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
