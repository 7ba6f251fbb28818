from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, roc_curve
from statsmodels.stats.proportion import proportion_confint

from medcnn.core import files
from medcnn.dataset.predictions import Predictions
from medcnn.measures import operating
from medcnn.params.judging.evaluate import Judging, OperatingPoint
from medcnn.params.whole import Params

SENSITIVE = OperatingPoint(kind="sensitivity", value=0.95)
SPECIFIC = OperatingPoint(kind="specificity", value=0.9)
YOUDEN = OperatingPoint(kind="youden", value=1.0)
RATES = ("sensitivity", "specificity", "ppv", "npv")


def scored(seed: int, images: int = 60, digits: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Whether each image is positive, and a probability that tells something of it; few digits make ties."""
    rng = np.random.default_rng(seed)
    positive = rng.random(images) < 0.4
    return positive, (1 / (1 + np.exp(-rng.normal(1.5 * positive - 0.5, 1)))).round(digits)


def rates(positive: np.ndarray, scores: np.ndarray, threshold: float) -> tuple[float, float]:
    """Sensitivity and specificity, by scikit-learn."""
    counts = confusion_matrix(positive, scores >= threshold, labels=[False, True])
    return counts[1, 1] / counts[1].sum(), counts[0, 0] / counts[0].sum()


def table(positive: np.ndarray, scores: np.ndarray, split: str = "test") -> Predictions:
    names = tuple(f"{split}{index}" for index in range(len(positive)))
    probabilities = np.column_stack([1 - scores, scores])
    return Predictions(("healthy", "ill"), names, (split,) * len(names), positive.astype(np.int64), probabilities)


# Thresholds.


@pytest.mark.parametrize("seed", range(5))
def test_a_threshold_calls_the_image_that_it_was_taken_from_also_as_written(seed: int) -> None:
    scores = np.append(np.random.default_rng(seed).random(500), [0.0, 1.0, 1e-9, 0.000249, np.nextafter(0.999998, 0)])
    levels = operating.thresholds(scores)
    written = np.array([float(f"{level:.{files.DIGITS}f}") for level in levels])
    np.testing.assert_array_equal(levels, written)
    np.testing.assert_array_equal(files.rounded(list(levels)), levels)
    below = levels[np.searchsorted(levels, scores, side="right") - 1]
    assert ((scores - 1e-6 < below) & (below <= scores)).all()
    np.testing.assert_array_equal(operating.called(scores, levels), [(scores >= level).sum() for level in levels])


def test_thresholds_run_from_all_called_to_none() -> None:
    scores = np.array([0.2, 1.0, 0.2, 0.7])
    assert operating.thresholds(scores).tolist() == [0.2, 0.7, 1.0, 1.000001]
    assert operating.called(scores, operating.thresholds(scores)).tolist() == [4, 2, 1, 0]


def test_scores_closer_than_can_be_written_share_a_threshold() -> None:
    assert operating.thresholds(np.array([0.1234561, 0.1234569])).tolist() == [0.123456, 0.123457]


# The operating point.


@pytest.mark.parametrize("digits", [1, 2, 9])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("value", [0.5, 0.8, 0.95, 1.0])
def test_the_threshold_of_a_sensitivity_is_the_highest_that_reaches_it(seed: int, digits: int, value: float) -> None:
    positive, scores = scored(seed, digits=digits)
    found = operating.threshold(positive, scores, OperatingPoint(kind="sensitivity", value=value))
    assert rates(positive, scores, found)[0] >= value
    assert rates(positive, scores, found + 2e-6)[0] < value


@pytest.mark.parametrize("digits", [1, 2, 9])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("value", [0.5, 0.8, 0.95, 1.0])
def test_the_threshold_of_a_specificity_is_the_lowest_that_reaches_it(seed: int, digits: int, value: float) -> None:
    positive, scores = scored(seed, digits=digits)
    found = operating.threshold(positive, scores, OperatingPoint(kind="specificity", value=value))
    specific = [level for level in operating.thresholds(scores) if rates(positive, scores, level)[1] >= value]
    assert found == min(specific)
    best = max(rates(positive, scores, level)[0] for level in specific)
    assert rates(positive, scores, found)[0] == best


@pytest.mark.parametrize("seed", range(8))
def test_youdens_threshold_is_that_of_scikit_learns_curve(seed: int) -> None:
    positive, scores = scored(seed, digits=6)
    false_alarms, hits, levels = roc_curve(positive, scores, drop_intermediate=False)
    gains = (hits - false_alarms).round(9)
    assert operating.threshold(positive, scores, YOUDEN) == pytest.approx(levels[gains == gains.max()].min())


def test_of_equal_youden_indices_the_one_that_misses_fewer_is_taken() -> None:
    positive, scores = np.array([False, True, False, True]), np.array([0.1, 0.2, 0.3, 0.4])
    assert operating.threshold(positive, scores, YOUDEN) == 0.2


def test_a_specificity_that_no_image_may_cost_calls_nothing() -> None:
    positive, scores = np.array([False, True]), np.array([0.9, 0.6])
    found = operating.threshold(positive, scores, OperatingPoint(kind="specificity", value=1.0))
    assert found == 0.900001
    assert rates(positive, scores, found) == (0, 1)


@pytest.mark.parametrize("wanted", [SENSITIVE, SPECIFIC, YOUDEN])
def test_a_constant_answer_calls_all_or_nothing(wanted: OperatingPoint) -> None:
    found = operating.threshold(np.array([True, False, False]), np.full(3, 0.4), wanted)
    assert found == (0.400001 if wanted is SPECIFIC else 0.4)


@pytest.mark.parametrize(
    ("wanted", "positive", "expected"),
    [
        (SENSITIVE, [False, False], math.nan),
        (SENSITIVE, [True, True], 0.3),
        (SPECIFIC, [True, True], math.nan),
        (SPECIFIC, [False, False], 0.800001),
        (YOUDEN, [False, False], math.nan),
        (YOUDEN, [True, True], math.nan),
        (YOUDEN, [], math.nan),
    ],
)
def test_what_validation_cannot_tell_is_nan(wanted: OperatingPoint, positive: list[bool], expected: float) -> None:
    scores = np.array([0.3, 0.8][: len(positive)])
    found = operating.threshold(np.array(positive, bool), scores, wanted)
    assert found == pytest.approx(expected, nan_ok=True)


# What is reported.


def wanting(settings: Params, point: OperatingPoint) -> Judging:
    return settings.evaluate.model_copy(update={"operating_point": point})


def test_a_block_worked_by_hand(settings: Params) -> None:
    seen = table(np.array([False, False, True, True]), np.array([0.1, 0.6, 0.5, 0.9]), "validation")
    unseen = table(np.array([False, False, False, True, True]), np.array([0.2, 0.5, 0.49, 0.8, 0.3]))
    found = operating.block(seen, unseen, list("abcde"), wanting(settings, SENSITIVE))
    assert list(found) == ["ill"]
    point = found["ill"]
    assert point["threshold"] == 0.5
    assert point["validation"] == {"sensitivity": 1.0, "specificity": 0.5}
    counts = ("true_positives", "false_negatives", "false_positives", "true_negatives")
    assert [point[key] for key in counts] == [1, 1, 1, 2]
    assert [point[key] for key in RATES] == [1 / 2, 2 / 3, 1 / 2, 2 / 3]
    for key in RATES:
        hits, images = {"sensitivity": (1, 2), "specificity": (2, 3), "ppv": (1, 2), "npv": (2, 3)}[key]
        low, high = proportion_confint(hits, images, 0.05, "wilson")
        assert (point[f"{key}_low"], point[f"{key}_high"]) == pytest.approx((low, high))


def test_images_of_one_patient_widen_the_interval(settings: Params) -> None:
    positive, scores = scored(1, 80)
    seen, unseen = table(positive[:40], scores[:40], "validation"), table(positive[40:], scores[40:])
    single = operating.block(seen, unseen, [str(index) for index in range(40)], settings.evaluate)["ill"]
    order = np.argsort(unseen.probabilities[:, 1]).argsort() // 4
    joined = operating.block(seen, unseen, [str(index) for index in order], settings.evaluate)["ill"]
    assert joined["specificity"] == single["specificity"]
    widths = [point["specificity_high"] - point["specificity_low"] for point in (joined, single)]
    assert widths[0] > 1.2 * widths[1]


def test_every_class_stands_against_the_rest(settings: Params) -> None:
    rng = np.random.default_rng(0)
    probabilities, labels = rng.dirichlet(np.ones(3), 90), rng.integers(0, 3, 90)
    parts = [Predictions(tuple("abc"), tuple(map(str, range(90))), (part,) * 90, labels, probabilities)
             for part in ("validation", "test")]  # fmt: skip
    found = operating.block(*parts, [str(index) for index in range(90)], settings.evaluate)
    assert list(found) == ["a", "b", "c"]
    for index, point in enumerate(found.values()):
        expected = rates(labels == index, probabilities[:, index], point["threshold"])
        assert (point["sensitivity"], point["specificity"]) == expected
        assert point["sensitivity"] >= settings.evaluate.operating_point.value


def test_without_a_positive_image_in_validation_nothing_is_told(settings: Params) -> None:
    seen = table(np.zeros(3, bool), np.array([0.1, 0.2, 0.3]), "validation")
    found = operating.block(seen, table(*scored(0)), [str(index) for index in range(60)], settings.evaluate)
    written = files.rounded(found)["ill"]
    assert set(written.pop("validation").values()) == {None}
    assert {"threshold", "ppv_low", "true_positives"} <= set(written)
    assert set(written.values()) == {None}


def test_without_a_positive_image_in_test_only_its_rates_are_missing(settings: Params) -> None:
    unseen = table(np.zeros(3, bool), np.array([0.1, 0.2, 0.9]))
    found = operating.block(table(*scored(0), "validation"), unseen, list("abc"), settings.evaluate)
    point = files.rounded(found)["ill"]
    assert [point[f"sensitivity{bound}"] for bound in ("", "_low", "_high")] == [None, None, None]
    assert point["ppv"] == 0
    assert 0 < point["specificity"] < 1


# Errors at every threshold.


def test_errors_are_counted_at_every_threshold() -> None:
    rows = operating.errors(table(np.array([False, True, False, True]), np.array([0.1, 0.4, 0.4, 0.8])))
    assert rows == [
        ("ill", "0.100000", 0, 2),
        ("ill", "0.400000", 0, 1),
        ("ill", "0.800000", 1, 0),
        ("ill", "0.800001", 2, 0),
    ]


@pytest.mark.parametrize("seed", range(3))
def test_whoever_recounts_with_a_written_threshold_finds_the_same_errors(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities, labels = rng.dirichlet(np.ones(3), 80), rng.integers(0, 3, 80)
    names = tuple(map(str, range(80)))
    rows = operating.errors(Predictions(tuple("abc"), names, ("test",) * 80, labels, probabilities))
    assert {name for name, *_ in rows} == set("abc")
    for name, level, misses, alarms in rows:
        positive, calls = labels == "abc".index(name), probabilities[:, "abc".index(name)] >= float(level)
        assert (misses, alarms) == ((positive & ~calls).sum(), (~positive & calls).sum())
    for _, of_class in itertools.groupby(rows, key=lambda row: row[0]):
        misses, alarms = zip(*(row[2:] for row in of_class), strict=True)
        assert list(misses) == sorted(misses)
        assert list(alarms) == sorted(alarms, reverse=True)


def test_no_images_make_no_errors() -> None:
    assert operating.errors(table(np.empty(0, bool), np.empty(0))) == []
