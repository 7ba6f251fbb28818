"""Figures of several findings per image, against scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from medcnn.dataset.predictions import Predictions
from medcnn.measures import calibration, findings, metrics, operating, statistics
from medcnn.params.judging.evaluate import Judging
from medcnn.params.shared.classes import Findings
from tests.classifiers import findings_table

TABLE = findings_table(images=300, seed=3)
TRUTH, CHANCES = TABLE.labels, TABLE.probabilities
CALLS = CHANCES > 0.5
PRESENT = [(TRUTH[:, k], CHANCES[:, k]) for k in range(3)]


def test_figures_are_those_of_scikit_learn() -> None:
    found = metrics.scores(TRUTH, CHANCES, TABLE.classes)
    expected = {
        "accuracy": sklearn_metrics.accuracy_score(TRUTH, CALLS),
        "auroc": sklearn_metrics.roc_auc_score(TRUTH, CHANCES, average="macro"),
        "average_precision": sklearn_metrics.average_precision_score(TRUTH, CHANCES, average="macro"),
        "micro_f1": sklearn_metrics.f1_score(TRUTH, CALLS, average="micro"),
        "cross_entropy": np.mean([sklearn_metrics.log_loss(*each) for each in PRESENT]),
        "brier": np.mean([sklearn_metrics.brier_score_loss(*each) for each in PRESENT]),
        "balanced_accuracy": np.mean(
            [sklearn_metrics.balanced_accuracy_score(TRUTH[:, k], CALLS[:, k]) for k in range(3)]
        ),
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected)
    for k, name in enumerate(TABLE.classes):
        precision, recall, f1, _ = sklearn_metrics.precision_recall_fscore_support(TRUTH[:, k], CALLS[:, k])
        block = found["classes"][name]
        assert [block["recall"], block["specificity"]] == pytest.approx([recall[1], recall[0]])
        assert [block["precision"], block["f1"], block["support"]] == pytest.approx(
            [precision[1], f1[1], TRUTH[:, k].sum()]
        )


def test_each_finding_has_its_own_figures_with_intervals_that_hold_them() -> None:
    groups = [f"p{row // 2}" for row in range(300)]
    found = statistics.measured(TABLE, groups, Judging(resamples=200), seed=1, patients=True)
    for figure in ("accuracy", "auroc", "average_precision", "micro_f1", "cross_entropy", "brier", "patient_accuracy"):
        assert found[f"{figure}_low"] < found[figure] < found[f"{figure}_high"], figure
    for k, name in enumerate(TABLE.classes):
        block = found["classes"][name]
        assert block["auroc"] == pytest.approx(sklearn_metrics.roc_auc_score(*PRESENT[k]))
        assert block["average_precision"] == pytest.approx(sklearn_metrics.average_precision_score(*PRESENT[k]))
        assert block["brier"] == pytest.approx(sklearn_metrics.brier_score_loss(*PRESENT[k]))
        for figure in ("auroc", "average_precision", "brier", "cross_entropy", "recall", "specificity"):
            assert block[f"{figure}_low"] < block[figure] < block[f"{figure}_high"], (name, figure)


def test_average_precision_of_draws_is_that_of_the_images_drawn() -> None:
    from medcnn.measures.statistics.bootstrap import Resamples
    from medcnn.measures.statistics.precision import average_precisions

    groups, resamples = np.arange(300) // 3, Resamples(100, 5, 7)
    ties = CHANCES.round(1)
    draws = average_precisions(TRUTH, ties, groups, resamples)
    often = np.concatenate(list(resamples.blocks()))[:, groups]
    for draw, row in zip(draws, often, strict=True):
        expected = sklearn_metrics.average_precision_score(TRUTH, ties, sample_weight=row, average=None)
        assert draw == pytest.approx(expected)


def test_a_finding_without_images_has_no_area_and_no_precision() -> None:
    empty = np.zeros_like(TRUTH)
    assert math.isnan(metrics.auroc(empty, CHANCES))
    assert math.isnan(metrics.average_precision(empty, CHANCES))
    assert math.isnan(metrics.accuracy(TRUTH[:0], CHANCES[:0]))
    found = statistics.measured(TABLE.at([]), [], Judging(resamples=100), seed=1, patients=False)
    assert math.isnan(found["auroc"]) and math.isnan(found["classes"]["mass"]["average_precision"])


def test_temperature_divides_the_logit_of_every_finding() -> None:
    hot = TABLE.probabilities**8 / (TABLE.probabilities**8 + (1 - TABLE.probabilities) ** 8)
    table = Predictions(TABLE.classes, TABLE.image_ids, TABLE.splits, TRUTH, hot)
    temperature, calibrated = calibration.calibrated(table)
    logit = np.log(hot / (1 - hot)) / temperature
    np.testing.assert_allclose(calibrated.probabilities, 1 / (1 + np.exp(-logit)), atol=0.005)
    assert temperature > 2
    assert metrics.cross_entropy(TRUTH, calibrated.probabilities) < metrics.cross_entropy(TRUTH, hot)


def test_every_finding_gets_a_threshold_also_where_there_are_two() -> None:
    two = Predictions(
        Findings(TABLE.classes[:2]), TABLE.image_ids, TABLE.splits, TRUTH[:, :2], TABLE.probabilities[:, :2]
    )
    groups = [str(row) for row in range(len(two.of("test")))]
    points = operating.block(two.of("validation"), two.of("test"), groups, Judging())
    assert list(points) == ["mass", "fluid"]
    assert all(point["validation"]["sensitivity"] >= 0.95 for point in points.values())


def test_calibration_error_is_that_of_all_decisions_within_its_interval() -> None:
    calls, chances = findings.decided(TRUTH, CHANCES)
    assert metrics.ece(TRUTH, CHANCES, 15) == pytest.approx(metrics.ece(calls, chances, 15))
    found = statistics.measured(TABLE, [str(row) for row in range(300)], Judging(resamples=200), seed=1, patients=False)
    assert found["ece_low"] <= found["ece"] <= found["ece_high"]


def test_taken_apart_and_put_together_again() -> None:
    decisions = findings.apart(CHANCES)
    assert decisions.shape == (900, 2)
    np.testing.assert_array_equal(findings.together(decisions, 3), CHANCES)
    np.testing.assert_array_equal(findings.apart(np.stack([CHANCES, CHANCES]))[1], decisions)
