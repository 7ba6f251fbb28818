from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from medcnn.dataset.predictions import Predictions
from medcnn.measures import metrics, statistics
from medcnn.measures.statistics import intervals
from tests.measures.statistics.population import SETTINGS, Population, table

PATIENTS = [1, 2, 3, 4, 5] * 6
WITH_INTERVALS = ("accuracy", "balanced_accuracy", "cross_entropy", "auroc", "brier", "ece")
BY_PATIENT = ("patient_accuracy", "patient_cross_entropy")
OF_CLASS = ("recall", "specificity", "precision", "f1")

pytestmark = pytest.mark.filterwarnings("error")


def measured(predicted: Predictions, groups: Any, patients: bool = True) -> dict[str, Any]:
    return statistics.measured(predicted, groups, SETTINGS, 1, patients)


@pytest.mark.parametrize("classes", [2, 3])
def test_every_figure_is_that_of_metrics_with_an_interval_around_it(classes):
    sample = Population(classes=classes).sample(PATIENTS, np.random.default_rng(0))
    [predicted] = sample.tables.values()
    found = measured(predicted, sample.groups)
    plain = metrics.scores(predicted.labels, predicted.probabilities, predicted.classes)
    assert {key: found[key] for key in plain if key != "classes"} == {
        key: value for key, value in plain.items() if key != "classes"
    }
    assert found["ece"] == metrics.ece(predicted.labels, predicted.probabilities, SETTINGS.bins)
    blocks = [(found, WITH_INTERVALS + BY_PATIENT), *((block, OF_CLASS) for block in found["classes"].values())]
    for block, figures in blocks:
        for figure in figures:
            assert 0 <= block[f"{figure}_low"] < block[figure] < block[f"{figure}_high"], figure
    for name, block in plain["classes"].items():
        assert {key: found["classes"][name][key] for key in block} == block


def test_groups_are_counted_and_patients_named_only_where_known():
    sample = Population().sample(PATIENTS, np.random.default_rng(1))
    [predicted] = sample.tables.values()
    found = measured(predicted, [f"scan {group}" for group in sample.groups], patients=False)
    assert found["groups"] == len(PATIENTS)
    assert not any(key.startswith("patient") for key in found)


def test_a_test_part_without_an_error_is_not_certain():
    labels = np.repeat([0, 1], [17, 16])
    found = measured(table(labels, np.eye(2)[labels] * 0.9 + 0.05), np.arange(33))
    assert (found["accuracy"], found["accuracy_high"]) == (1, 1)
    assert found["accuracy_low"] == pytest.approx(0.8957, abs=1e-4)
    for low in ("balanced_accuracy_low", "auroc_low", "patient_accuracy_low"):
        assert 0.75 < found[low] < 0.95, low
    for figure in OF_CLASS:
        assert 0.7 < found["classes"]["class_1"][f"{figure}_low"] < 0.95, figure


@pytest.mark.parametrize("images", [[3] * 11, [1, 3, 7, 9, 6, 5], [49, 7]])
def test_patients_without_an_error_count_as_one_each(images):
    labels, groups = np.zeros(sum(images), int), np.repeat(np.arange(len(images)), images)
    found = measured(table(labels, np.full((len(labels), 2), [0.9, 0.1])), groups)
    assert found["patient_accuracy"] == pytest.approx(1)
    assert found["patient_accuracy_low"] == pytest.approx(intervals.wilson(1, len(images), 0.95).low)


def test_every_patient_weighs_the_same():
    # One patient with four images, all right, and two with one image each, one of them wrong.
    labels, groups = np.zeros(6, int), [7, 7, 7, 7, 8, 9]
    probabilities = [[0.9, 0.1]] * 4 + [[0.8, 0.2], [0.3, 0.7]]
    found = measured(table(labels, probabilities), groups)
    assert found["accuracy"] == pytest.approx(5 / 6)
    assert found["patient_accuracy"] == pytest.approx(2 / 3)
    assert found["patient_cross_entropy"] == pytest.approx(-np.mean(np.log([0.9, 0.8, 0.3])))


def test_with_one_image_each_patients_are_images():
    sample = Population().sample([1] * 50, np.random.default_rng(2))
    [predicted] = sample.tables.values()
    found = measured(predicted, sample.groups)
    for figure in ("accuracy", "cross_entropy"):
        for bound in ("", "_low", "_high"):
            assert found[f"patient_{figure}{bound}"] == pytest.approx(found[f"{figure}{bound}"])


def test_shares_of_a_class_have_wilsons_interval():
    sample = Population(classes=3).sample([1] * 90, np.random.default_rng(3))
    [predicted] = sample.tables.values()
    block = measured(predicted, sample.groups)["classes"]["class_1"]
    called = int((predicted.probabilities.argmax(axis=1) == 1).sum())
    for figure, images in (("recall", block["support"]), ("specificity", 90 - block["support"]), ("precision", called)):
        expected = intervals.wilson(block[figure], images, 0.95)
        assert (block[f"{figure}_low"], block[f"{figure}_high"]) == pytest.approx(expected), figure
    # Of the images that are of the class or called so.
    touched = called + block["false_negatives"]
    share = intervals.wilson((called - block["false_positives"]) / touched, touched, 0.95)
    assert block["f1_low"] == pytest.approx(2 * share.low / (1 + share.low))


def test_images_alike_within_patients_widen_every_interval():
    sample = Population(alike=1.0).sample([6] * 40, np.random.default_rng(4))
    [predicted] = sample.tables.values()
    grouped, single = measured(predicted, sample.groups), measured(predicted, np.arange(240))
    for figure in WITH_INTERVALS:
        width, narrow = (block[f"{figure}_high"] - block[f"{figure}_low"] for block in (grouped, single))
        assert width > 1.3 * narrow, figure


def test_the_order_of_images_and_the_names_of_groups_do_not_matter():
    sample = Population().sample([1] * 40, np.random.default_rng(5))
    [predicted] = sample.tables.values()
    again = measured(predicted, [f"group {group:03}" for group in sample.groups])
    assert again == measured(predicted, sample.groups)
    shuffled = np.random.default_rng(6).permutation(40)
    turned = measured(predicted.at(shuffled.tolist()), sample.groups[shuffled])
    for figure in WITH_INTERVALS:
        assert turned[figure] == pytest.approx(again[figure])
        assert turned[f"{figure}_low"] == pytest.approx(again[f"{figure}_low"])


def test_no_images_no_numbers():
    found = measured(table([], np.empty((0, 2))), [])
    assert (found["groups"], found["support"]) == (0, 0)
    for figure in WITH_INTERVALS + BY_PATIENT:
        assert all(math.isnan(found[f"{figure}{bound}"]) for bound in ("", "_low", "_high")), figure


def test_an_absent_class_leaves_gaps_not_wrong_numbers():
    random = np.random.default_rng(7)
    labels = random.integers(2, size=40)
    found = measured(table(labels, random.dirichlet([1, 1, 1], size=40)), np.arange(40))
    absent = found["classes"]["class_2"]
    for gap in (found["auroc"], found["auroc_low"], absent["recall_low"], absent["recall_high"]):
        assert math.isnan(gap)
    assert 0 < found["balanced_accuracy_low"] < found["balanced_accuracy"] < found["balanced_accuracy_high"]
    assert absent["specificity_low"] < absent["specificity"] < absent["specificity_high"]


def test_one_class_alone():
    found = measured(table([1, 1, 1], [[0.2, 0.8], [0.6, 0.4], [0.1, 0.9]]), [0, 1, 2])
    assert math.isnan(found["auroc_low"])
    assert found["balanced_accuracy_low"] == pytest.approx(found["accuracy_low"])
    assert math.isnan(found["classes"]["class_0"]["recall_low"])


@pytest.mark.parametrize("groups", [[0, 0, 0, 0], [0, 1, 2, 3]], ids=["one patient", "four"])
@pytest.mark.parametrize("certain", [True, False])
def test_constant_predictions(groups, certain):
    probabilities = np.eye(2)[np.zeros(4, int)] if certain else np.full((4, 2), 0.5)
    found = measured(table([0, 1, 0, 1], probabilities), groups)
    assert found["accuracy_low"] < found["accuracy"] == 0.5 < found["accuracy_high"]
    assert found["auroc_low"] < found["auroc"] == 0.5 < found["auroc_high"]
    assert math.isnan(found["classes"]["class_1"]["precision_low"])
    assert certain or math.isnan(found["cross_entropy_low"])


def test_one_image():
    found = measured(table([1], [[0.3, 0.7]]), ["the only one"])
    assert (found["accuracy_low"], found["accuracy_high"]) == pytest.approx((0.2065, 1), abs=1e-4)
    assert math.isnan(found["cross_entropy_low"])


def test_importing_statistics_loads_no_framework():
    code = "import medcnn.measures.statistics, sys; print({'tensorflow', 'sklearn', 'scipy.stats'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
