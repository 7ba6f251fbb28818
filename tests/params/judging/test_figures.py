from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from medcnn.measures import metrics, statistics
from medcnn.params.gate import Gate
from medcnn.params.judging.figures import BY_KEY, FIGURES, GATED, Figure
from tests.classifiers import findings_table
from tests.measures.statistics.population import SETTINGS, Population

PATIENTS = [1, 2, 3, 4, 5] * 6


@pytest.fixture
def measured() -> dict[str, Any]:
    sample = Population(classes=3).sample(PATIENTS, np.random.default_rng(0))
    [table] = sample.tables.values()
    return statistics.measured(table, sample.groups, SETTINGS, 1, True)


def test_every_figure_is_measured_with_the_interval_that_the_table_promises(measured: dict[str, Any]) -> None:
    promised = {key for figure in FIGURES if not figure.of_findings for key in figure.keys}
    assert set(measured) - {"support", "groups", "classes"} == promised


def test_figures_of_findings_are_measured_where_images_have_several() -> None:
    table = findings_table(60, 0)
    found = statistics.measured(table, [str(row // 2) for row in range(60)], SETTINGS, 1, True)
    assert set(found) - {"support", "groups", "classes"} == {key for figure in FIGURES for key in figure.keys}


def test_figures_of_any_images_are_the_scored_ones() -> None:
    scores = metrics.scores(np.array([0, 1, 1]), np.eye(2)[[0, 1, 0]], ("no", "yes"))
    assert set(scores) - {"support", "classes"} == {
        figure.key for figure in FIGURES if figure.scored and not figure.of_findings
    }


def test_keys_are_unique() -> None:
    assert len(BY_KEY) == len(FIGURES)


def test_a_title_is_the_name_as_a_heading() -> None:
    assert [BY_KEY[key].title for key in ("cross_entropy", "auroc")] == ["Cross-entropy", "AUROC"]


def test_a_figure_without_an_interval_has_one_key() -> None:
    assert Figure("mcc", "MCC", "higher", interval=False).keys == ("mcc",)
    assert Figure("mcc", "MCC", "higher").keys == ("mcc", "mcc_low", "mcc_high")


def test_the_gate_takes_figures_of_which_more_is_better() -> None:
    assert {"accuracy", "balanced_accuracy", "auroc"} <= set(GATED)
    assert Gate(floors={"auroc": 0.9}, largest_fall={}).floors == {"auroc": 0.9}
    with pytest.raises(ValidationError, match=rf"unknown 'brier'; choose from {', '.join(GATED)}"):
        Gate(floors={"brier": 0.1}, largest_fall={})
