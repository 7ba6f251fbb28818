from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.calibration import calibration_curve

from medcnn.core import files
from medcnn.measures import calibration, metrics, statistics
from medcnn.measures.calibration import Bin
from medcnn.params.whole import Params
from tests.classifiers import model, table

# Temperature.


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
def test_the_temperature_is_that_of_scipy(classes: int, sharpness: float) -> None:
    labels = np.arange(200) % classes
    probabilities = model(labels, 1.0, 3, classes, sharpness)
    logits = np.log(probabilities.clip(metrics.SMALLEST))

    def loss(temperature: float) -> float:
        return -float(log_softmax(logits / temperature, axis=1)[np.arange(200), labels].mean())

    best = minimize_scalar(loss, bounds=(0.05, 20), method="bounded", options={"xatol": 1e-9})
    assert calibration.best_temperature(probabilities, labels) == pytest.approx(best.x, abs=1e-4)


def test_a_sharpened_model_gets_its_sharpness_back_as_temperature() -> None:
    rng = np.random.default_rng(5)
    honest = rng.dirichlet(np.ones(3), 20_000)
    labels = (rng.random((20_000, 1)) > honest.cumsum(axis=1)[:, :2]).sum(axis=1)
    sharpened = calibration.scaled(honest, 1 / 2.5)
    assert calibration.best_temperature(honest, labels) == pytest.approx(1, abs=0.03)
    assert calibration.best_temperature(sharpened, labels) == pytest.approx(2.5, rel=0.03)


def test_an_overconfident_model_is_cooled_and_keeps_its_answers() -> None:
    labels = np.arange(300) % 3
    probabilities = model(labels, 1.0, 0, sharpness=4.0)
    temperature = calibration.best_temperature(probabilities, labels)
    calibrated = calibration.scaled(probabilities, temperature)
    assert temperature > 2
    assert calibrated.sum(axis=1) == pytest.approx(1)
    np.testing.assert_array_equal(calibrated.argmax(axis=1), probabilities.argmax(axis=1))
    right = probabilities.argmax(axis=1) == labels
    assert calibrated.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.05)


@pytest.mark.parametrize(("truth", "limit"), [([0, 1], calibration.COLDEST), ([1, 0], calibration.HOTTEST)])
def test_a_model_that_is_always_right_or_wrong_stays_within_the_limits(truth: list[int], limit: float) -> None:
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
    temperature = calibration.best_temperature(probabilities, np.array(truth))
    assert temperature == limit
    assert np.isfinite(calibration.scaled(probabilities, temperature)).all()


def test_a_certain_error_does_not_break_the_fit() -> None:
    probabilities = np.array([[1.0, 0.0]] * 4 + [[0.0, 1.0]])
    temperature = calibration.best_temperature(probabilities, np.array([0, 0, 0, 1, 1]))
    assert temperature == pytest.approx(-np.log(metrics.SMALLEST) / np.log(4), abs=1e-5)


def test_a_constant_answer_is_scaled_to_the_share_of_the_classes() -> None:
    probabilities = np.tile([0.9, 0.1], (10, 1))
    temperature = calibration.best_temperature(probabilities, np.array([0] * 7 + [1] * 3))
    assert calibration.scaled(probabilities, temperature)[0] == pytest.approx([0.7, 0.3], abs=1e-5)


@pytest.mark.parametrize("images", [0, 6])
def test_a_model_that_prefers_no_class_is_left_as_it_is(images: int) -> None:
    even = np.full((images, 3), 1 / 3)
    assert calibration.best_temperature(even, np.arange(images) % 3) == 1


def test_a_class_that_validation_lacks_does_no_harm() -> None:
    labels = np.arange(100) % 2
    temperature = calibration.best_temperature(model(labels, 1.0, 1, sharpness=3.0), labels)
    assert 1.5 < temperature < calibration.HOTTEST


# All predictions of a model.


def test_all_rows_are_scaled_by_what_validation_alone_says() -> None:
    labels = np.arange(900) % 3
    raw = table(labels, model(labels, 1.0, 0, sharpness=3.0))
    temperature, calibrated = calibration.calibrated(raw)
    seen = raw.of("validation")
    assert temperature == calibration.best_temperature(seen.probabilities, seen.labels) > 1.5
    assert calibrated.probabilities == pytest.approx(calibration.scaled(raw.probabilities, temperature))
    assert calibrated.splits.equals(raw.splits)
    assert calibrated.image_ids.equals(raw.image_ids)
    test = np.array([split == "test" for split in raw.splits])
    raw.labels[test] = 0
    raw.probabilities[test] = 1 / 3
    assert calibration.calibrated(raw)[0] == temperature


def test_the_written_temperature_is_the_one_that_was_used() -> None:
    labels = np.arange(90) % 3
    raw = table(labels, model(labels, 1.0, 2))
    temperature, calibrated = calibration.calibrated(raw)
    written = files.rounded({"temperature": temperature})["temperature"]
    np.testing.assert_array_equal(calibration.scaled(raw.probabilities, written), calibrated.probabilities)


def test_calibrating_makes_a_calibrated_model_of_an_overconfident_one() -> None:
    labels = np.arange(9000) % 3
    raw = table(labels, model(labels, 1.5, 0, sharpness=4.0))
    before, after = (part.of("test") for part in (raw, calibration.calibrated(raw)[1]))
    errors = [metrics.ece(part.labels, part.probabilities, 15) for part in (before, after)]
    assert errors[0] > 0.1
    assert errors[1] < 0.03
    losses = [metrics.cross_entropy(part.labels, part.probabilities) for part in (before, after)]
    assert losses[1] < losses[0]


# Reliability.


def test_a_reliability_diagram_worked_by_hand() -> None:
    probabilities = np.array([[0.95, 0.05], [0.15, 0.85], [0.4, 0.6], [0.7, 0.3]])
    found = calibration.reliability(np.array([0, 0, 1, 0]), probabilities, 2)
    assert found == [Bin(pytest.approx(0.775), 0.75, 4)]
    found = calibration.reliability(np.array([0, 0, 1, 0]), probabilities, 5)
    assert found == [Bin(pytest.approx(0.6), 1.0, 1), Bin(pytest.approx(0.7), 1.0, 1), Bin(pytest.approx(0.9), 0.5, 2)]


def test_a_confidence_on_an_edge_belongs_to_the_bin_that_ends_there() -> None:
    probabilities = np.array([[0.5, 0.5], [1.0, 0.0], [0.25, 0.75]])
    found = calibration.reliability(np.array([0, 0, 0]), probabilities, 4)
    assert [(point.confidence, point.accuracy) for point in found] == [(0.5, 1.0), (0.75, 0.0), (1.0, 1.0)]


def test_the_bins_are_those_of_scikit_learn() -> None:
    labels = np.random.default_rng(0).integers(0, 3, 500)
    probabilities = model(labels, 1.0, 4)
    right = probabilities.argmax(axis=1) == labels
    accuracy, confidence = calibration_curve(right, probabilities.max(axis=1), n_bins=15)
    found = calibration.reliability(labels, probabilities, 15)
    assert [point.accuracy for point in found] == pytest.approx(list(accuracy))
    assert [point.confidence for point in found] == pytest.approx(list(confidence))
    assert sum(point.images for point in found) == 500


@pytest.mark.parametrize("bins", [1, 5, 10, 15])
def test_the_diagram_shows_the_expected_calibration_error(bins: int) -> None:
    labels = np.random.default_rng(1).integers(0, 3, 300)
    probabilities = model(labels, 1.0, 6, sharpness=2.0).round(2)
    found = calibration.reliability(labels, probabilities, bins)
    gaps = sum(point.images * abs(point.accuracy - point.confidence) for point in found) / 300
    assert metrics.ece(labels, probabilities, bins) == pytest.approx(gaps)


def test_no_images_make_no_diagram() -> None:
    assert calibration.reliability(np.empty(0, np.int64), np.empty((0, 3)), 15) == []


def test_the_block_tells_test_before_and_after(settings: Params) -> None:
    labels = np.arange(900) % 3
    raw = table(labels, model(labels, 1.5, 0, sharpness=4.0))
    temperature, calibrated = calibration.calibrated(raw)
    patients = [str(index // 2) for index in range(300)]
    before, after = (
        statistics.measured(part.of("test"), patients, settings.evaluate, 0, True) for part in (raw, calibrated)
    )
    found = calibration.block(temperature, before, after)
    assert found["temperature"] == temperature
    for block, part in ((found, calibrated), (found["before"], raw)):
        test = part.of("test")
        assert block["ece"] == metrics.ece(test.labels, test.probabilities, settings.evaluate.bins)
        assert block["brier"] == metrics.brier(test.labels, test.probabilities)
        for figure in ("ece", "brier", "cross_entropy"):
            assert block[f"{figure}_low"] <= block[figure] <= block[f"{figure}_high"]
    assert found["ece_high"] < found["before"]["ece_low"]
    assert set(found) - {"temperature", "before"} == set(found["before"])
