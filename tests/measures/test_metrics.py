from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
import sklearn.metrics

from medcnn.measures import curves, metrics


def drawn(classes: int, images: int = 300, digits: int = 9, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities that know something of them."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), rng.integers(classes, size=images - classes)])
    scores = (0.1 + rng.random((images, classes)) + 0.5 * np.eye(classes)[labels]).round(digits)
    return labels, scores / scores.sum(axis=1, keepdims=True)


def scored(labels: list[int] | np.ndarray, probabilities: list[list[float]] | np.ndarray) -> dict:
    probabilities = np.array(probabilities, float)
    names = [f"class_{index}" for index in range(probabilities.shape[1])]
    return metrics.scores(np.array(labels, int), probabilities, names)


@pytest.mark.parametrize("digits", [1, 9], ids=["ties", "no ties"])
@pytest.mark.parametrize("classes", [2, 3, 4, 7])
def test_figures_are_those_of_scikit_learn(classes: int, digits: int):
    labels, probabilities = drawn(classes, digits=digits)
    predicted = probabilities.argmax(axis=1)
    figures = scored(labels, probabilities)
    scores = probabilities[:, 1] if classes == 2 else probabilities
    expected = {
        "accuracy": sklearn.metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": sklearn.metrics.balanced_accuracy_score(labels, predicted),
        "cross_entropy": sklearn.metrics.log_loss(labels, probabilities),
        "auroc": sklearn.metrics.roc_auc_score(labels, scores, multi_class="ovr", average="macro"),
        "brier": brier_of_scikit_learn(labels, probabilities),
    }
    for name, value in expected.items():
        assert figures[name] == pytest.approx(value, rel=1e-6), name
    assert figures["support"] == len(labels)


def brier_of_scikit_learn(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Its multi-class form is younger than the oldest version that the project runs with."""
    by_class = [
        sklearn.metrics.brier_score_loss(labels == index, probabilities[:, index])
        for index in range(probabilities.shape[1])
    ]
    return by_class[1] if len(by_class) == 2 else sum(by_class)


@pytest.mark.parametrize("classes", [2, 4])
def test_figures_by_class_are_those_of_scikit_learn(classes: int):
    labels, probabilities = drawn(classes)
    predicted = probabilities.argmax(axis=1)
    precision, recall, f1, support = sklearn.metrics.precision_recall_fscore_support(labels, predicted)
    blocks = scored(labels, probabilities)["classes"]
    for index in range(classes):
        ((tn, fp), (fn, tp)) = sklearn.metrics.confusion_matrix(labels == index, predicted == index)
        block = blocks[f"class_{index}"]
        assert block["recall"] == pytest.approx(recall[index])
        assert block["precision"] == pytest.approx(precision[index])
        assert block["f1"] == pytest.approx(f1[index])
        assert block["specificity"] == pytest.approx(tn / (tn + fp))
        assert (block["support"], block["false_negatives"], block["false_positives"]) == (support[index], fn, fp)
        assert tp == block["support"] - block["false_negatives"]


def test_a_worked_example_of_two_classes():
    figures = scored([0, 0, 1, 1], [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]])
    assert figures["accuracy"] == 0.5
    assert figures["auroc"] == 0.75
    assert figures["cross_entropy"] == pytest.approx(-math.log(0.9 * 0.4 * 0.8 * 0.3) / 4)
    assert figures["brier"] == pytest.approx((0.01 + 0.36 + 0.04 + 0.49) / 4)
    assert figures["classes"]["class_1"] == {
        "recall": 0.5, "specificity": 0.5, "precision": 0.5, "f1": 0.5,
        "support": 2, "false_negatives": 1, "false_positives": 1,
    }  # fmt: skip


def test_a_worked_example_of_three_classes():
    figures = scored([0, 1, 2], [[0.5, 0.3, 0.2], [0.2, 0.6, 0.2], [0.1, 0.6, 0.3]])
    assert figures["accuracy"] == figures["balanced_accuracy"] == pytest.approx(2 / 3)
    assert figures["brier"] == pytest.approx((0.38 + 0.24 + 0.86) / 3)
    assert figures["auroc"] == pytest.approx((1 + 0.75 + 1) / 3)


def test_a_certain_error_costs_16_nats_not_infinity():
    assert scored([0], [[0.0, 1.0]])["cross_entropy"] == pytest.approx(-math.log(1e-7))


def test_the_calibration_error_of_two_bins_by_hand():
    # Said 0.6, 0.7 (one of two right) and 0.9, 0.9 (both right), in bins up to 0.75 and up to 1.
    probabilities = np.array([[0.6, 0.4], [0.3, 0.7], [0.1, 0.9], [0.9, 0.1]])
    error = metrics.ece(np.array([0, 0, 1, 0]), probabilities, 4)
    assert error == pytest.approx((2 * abs(0.65 - 0.5) + 2 * abs(0.9 - 1)) / 4)


@pytest.mark.parametrize("classes", [2, 5])
def test_the_calibration_error_bin_by_bin(classes):
    labels, probabilities = drawn(classes)
    confidences, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    expected = 0.0
    for index in range(15):
        of = (confidences > index / 15) & (confidences <= (index + 1) / 15)
        if of.any():
            expected += of.mean() * abs(confidences[of].mean() - right[of].mean())
    assert metrics.ece(labels, probabilities, 15) == pytest.approx(expected)


def test_a_bin_has_its_upper_end():
    # In floating point 0.7 * 10 is above 7.
    assert metrics.bin_of(np.array([0.0, 0.1, 0.11, 0.7, 0.70001, 1.0]), 10).tolist() == [0, 0, 1, 6, 7, 9]


def test_certain_and_right_is_calibrated_and_nothing_is_not_defined():
    assert metrics.ece(np.array([0, 1]), np.eye(2), 15) == 0
    assert metrics.ece(np.array([0, 1]), 1 - np.eye(2), 15) == 1
    assert math.isnan(metrics.ece(np.empty(0, int), np.empty((0, 2)), 15))


def test_a_class_without_images_leaves_gaps_not_wrong_numbers():
    labels, probabilities = drawn(3)
    kept = labels != 2
    figures = scored(labels[kept], probabilities[kept])
    predicted = probabilities[kept].argmax(axis=1)
    recalls = [np.mean(predicted[labels[kept] == index] == index) for index in (0, 1)]
    assert figures["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert math.isnan(figures["auroc"])
    absent = figures["classes"]["class_2"]
    assert math.isnan(absent["recall"])
    assert (absent["support"], absent["false_negatives"]) == (0, 0)
    assert absent["false_positives"] == np.sum(predicted == 2)


def test_only_one_class_present():
    figures = scored([1, 1], [[0.2, 0.8], [0.6, 0.4]])
    assert (figures["accuracy"], figures["balanced_accuracy"]) == (0.5, 0.5)
    assert math.isnan(figures["auroc"])
    assert math.isnan(figures["classes"]["class_1"]["specificity"])
    assert math.isnan(figures["classes"]["class_0"]["recall"])


def test_constant_predictions():
    figures = scored([0, 1, 2, 2], np.full((4, 3), 1 / 3))
    # Of equally probable classes the first is predicted.
    assert (figures["accuracy"], figures["auroc"]) == (0.25, 0.5)
    assert figures["cross_entropy"] == pytest.approx(math.log(3))
    never_predicted = figures["classes"]["class_1"]
    assert math.isnan(never_predicted["precision"])
    assert (never_predicted["recall"], never_predicted["f1"]) == (0, 0)


def test_a_class_neither_present_nor_predicted_has_no_f1():
    assert math.isnan(scored([0, 1], [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])["classes"]["class_2"]["f1"])


def test_half_is_not_positive():
    assert scored([1], [[0.5, 0.5]])["classes"]["class_1"]["false_negatives"] == 1


def test_no_images_no_figures():
    figures = scored([], np.empty((0, 4)))
    assert figures["support"] == 0
    for name in ("accuracy", "balanced_accuracy", "cross_entropy", "auroc", "brier"):
        assert math.isnan(figures[name]), name


def test_macro_auroc_weighs_classes_alike():
    labels, probabilities = drawn(4, images=80)
    by_class = [curves.area(curves.roc(labels == index, probabilities[:, index])) for index in range(4)]
    assert metrics.auroc(labels, probabilities) == pytest.approx(np.mean(by_class))


@pytest.mark.parametrize(
    ("accuracies", "published"),
    [
        ((0.8222, 0.6528, 0.5143), (0.6921, 0.6631, 0.6776)),
        ((0.7439, 0.7639, 0.4698), (0.7060, 0.6592, 0.6826)),
        ((0.2577, 0.2222, 0.2349), (0.9645, 0.2382, 0.6014)),
        ((0.7749, 0.6389, 0.5683), (0.7934, 0.6607, 0.7270)),
    ],
)
def test_the_published_scores_of_the_chest_ct_study(accuracies, published):
    scores = metrics.published_scores(*accuracies)
    assert (scores["balance"], scores["average"], scores["composite"]) == pytest.approx(published, abs=1.1e-4)


def test_published_scores_without_a_part_are_not_defined():
    assert all(math.isnan(value) for value in metrics.published_scores(0.9, 0.8, math.nan).values())


def test_importing_metrics_loads_no_framework():
    code = (
        "import medcnn.measures.metrics, medcnn.evaluate.evaluating, sys; "
        "print(sorted({'tensorflow', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
