from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from medcnn.measures import metrics, statistics
from medcnn.measures.statistics import comparing
from medcnn.params.judging.figures import TESTED
from tests.measures.statistics.population import SETTINGS, Population, table

FIGURES = tuple(figure.key for figure in TESTED)

PATIENTS = [1, 2, 3, 4, 5] * 6

pytestmark = pytest.mark.filterwarnings("error")


def compared(tables: dict[str, Any], groups: np.ndarray, **more: Any) -> list[dict[str, Any]]:
    return statistics.compared(tables, groups, SETTINGS, 1, **more)


def paired(both: int, first: int, second: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Which images either model gets right, from the counts of a two by two table."""
    counts = [both, first, second, neither]
    return np.repeat([True, True, False, False], counts), np.repeat([True, False, True, False], counts)


@pytest.mark.parametrize("counts", [(10, 5, 5, 1), (80, 9, 1, 10), (0, 1, 0, 0), (30, 0, 0, 3), (900, 300, 250, 417)])
def test_single_images_have_the_exact_mcnemar_test_of_statsmodels(counts):
    first, second = paired(*counts)
    expected = mcnemar([[counts[0], counts[1]], [counts[2], counts[3]]], exact=True).pvalue
    assert comparing.sign_flip(first, second, np.arange(sum(counts))) == pytest.approx(expected)


def test_the_example_of_agresti():
    # Categorical Data Analysis, table 10.1: approval of the British Prime Minister, 794, 150, 86 and 570.
    first, second = paired(794, 150, 86, 570)
    p_value = comparing.sign_flip(first, second, np.arange(1600))
    assert p_value == pytest.approx(3.7e-5, abs=5e-7)


def test_every_combination_of_signs_counted_out():
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(11), random.integers(1, 6, size=11))
    first, second = random.random(len(groups)) < 0.9, random.random(len(groups)) < 0.6
    leads = np.array([(first[groups == group].astype(int) - second[groups == group]).sum() for group in range(11)])
    sums = [abs(np.dot(signs, leads)) for signs in itertools.product((-1, 1), repeat=11)]
    expected = np.mean(np.array(sums) >= abs(leads.sum()))
    assert 0 < expected < 0.5
    assert comparing.sign_flip(first, second, groups) == pytest.approx(expected)


def test_images_of_one_patient_are_no_evidence_of_their_own():
    first, second = paired(80, 20, 0, 0)
    assert comparing.sign_flip(first, second, np.arange(100)) < 1e-5
    assert comparing.sign_flip(first, second, np.repeat(np.arange(5), 20)) == 1


def test_holm_is_that_of_statsmodels():
    p_values = np.random.default_rng(1).random(20) ** 3
    assert comparing.holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])


def test_a_test_that_cannot_be_made_does_not_count():
    assert comparing.holm([0.04, math.nan, 0.01]) == pytest.approx([0.04, math.nan, 0.02], nan_ok=True)
    assert comparing.holm([math.nan]) == pytest.approx([math.nan], nan_ok=True)


def test_areas_have_the_paired_test_of_delong():
    sample = Population(second_sharpness=0.3).sample([1] * 80, np.random.default_rng(2), models=2)
    wins = []
    for probabilities in sample.probabilities:
        scores = probabilities[:, 1]
        wins.append(scores[sample.labels == 1][:, None] > scores[sample.labels == 0])
    by_positive = np.cov([part.mean(axis=1) for part in wins]) / wins[0].shape[0]
    by_negative = np.cov([part.mean(axis=0) for part in wins]) / wins[0].shape[1]
    error = math.sqrt(np.array([1, -1]) @ (by_positive + by_negative) @ [1, -1])
    difference = wins[0].mean() - wins[1].mean()
    [pair] = compared(sample.tables, sample.groups)
    assert pair["auroc"]["difference"] == pytest.approx(difference)
    assert pair["auroc"]["p"] == pytest.approx(2 * stats.norm.sf(abs(difference) / error))
    assert pair["auroc"]["low"] == pytest.approx(difference - stats.norm.ppf(0.975) * error)


def test_differences_are_those_of_the_figures():
    sample = Population(classes=3, second_sharpness=4.0).sample(PATIENTS, np.random.default_rng(3), models=2)
    [pair] = compared(sample.tables, sample.groups)
    first, second = (statistics.measured(part, sample.groups, SETTINGS, 1, False) for part in sample.tables.values())
    assert (pair["first"], pair["second"]) == ("model_0", "model_1")
    for figure in FIGURES:
        block = pair[figure]
        assert block["difference"] == pytest.approx(first[figure] - second[figure]), figure
        assert block["low"] < block["difference"] < block["high"]
        assert block["p"] == block["p_holm"]


def test_the_other_way_round_the_signs_change():
    sample = Population(second_sharpness=3.0).sample(PATIENTS, np.random.default_rng(4), models=2)
    [forth] = compared(sample.tables, sample.groups)
    [back] = compared(dict(reversed(sample.tables.items())), sample.groups)
    for figure in FIGURES:
        assert forth[figure]["difference"] == pytest.approx(-back[figure]["difference"])
        assert forth[figure]["low"] == pytest.approx(-back[figure]["high"])
        assert forth[figure]["p"] == pytest.approx(back[figure]["p"])


@pytest.mark.parametrize("images", [[1] * 40, PATIENTS, [1]])
def test_a_model_does_not_differ_from_itself(images):
    sample = Population().sample(images, np.random.default_rng(5))
    [twin] = sample.tables.values()
    [pair] = compared({"one": twin, "other": twin}, sample.groups)
    for figure in ("accuracy", "cross_entropy") if images == [1] else FIGURES:
        assert (pair[figure]["difference"], pair[figure]["p"], pair[figure]["p_holm"]) == (0, 1, 1), figure
        assert pair[figure]["low"] <= 0 <= pair[figure]["high"]


def test_all_pairs_are_corrected_together_and_those_of_the_best_model_for_themselves():
    random = np.random.default_rng(6)
    labels = random.integers(2, size=300)
    tables = {}
    for index, sharpness in enumerate((0.2, 1.0, 1.1, 6.0)):
        odds = np.exp(sharpness * (np.eye(2)[labels] + random.standard_normal((300, 2))))
        tables[f"model_{index}"] = table(labels, odds / odds.sum(axis=1, keepdims=True))
    repeats = {"model_1": {"0": dict.fromkeys(FIGURES, 0.7), "1": dict.fromkeys(FIGURES, 0.75)}}
    pairs = compared(tables, np.arange(300), repeats=repeats, best="model_1")
    assert [(pair["first"], pair["second"]) for pair in pairs] == list(itertools.combinations(tables, 2))
    of_best = [pair for pair in pairs if "model_1" in (pair["first"], pair["second"])]
    assert [pair for pair in pairs if "p_best" in pair["auroc"] or "p_files_best" in pair["auroc"]] == of_best
    alone = compared(tables, np.arange(300))
    for figure in FIGURES:
        p_values = [pair[figure]["p"] for pair in pairs]
        assert [pair[figure]["p_holm"] for pair in pairs] == pytest.approx(multipletests(p_values, method="holm")[1])
        assert [pair[figure]["p_files"] for pair in of_best] == [
            pair[figure]["p_holm"] for pair in alone if "model_1" in (pair["first"], pair["second"])
        ]
        family = multipletests([pair[figure]["p"] for pair in of_best], method="holm")[1]
        assert [pair[figure]["p_best"] for pair in of_best] == pytest.approx(family)


def test_even_of_many_pairs_a_clear_difference_is_significant():
    random = np.random.default_rng(7)
    labels = random.integers(2, size=60)
    # Whether 0.9 or 0.6 is said of the truth, a different half of the images a little less.
    tables = {}
    for index in range(16):
        said = (0.9 if index else 0.6) - 0.05 * random.random(60)
        tables[f"model_{index}"] = table(labels, np.where(np.eye(2)[labels] == 1, said[:, None], 1 - said[:, None]))
    pairs = compared(tables, np.arange(60))
    assert len(pairs) == 120
    assert all(pair["cross_entropy"]["p_holm"] < 0.05 for pair in pairs if pair["first"] == "model_0")


def test_perfect_models_cannot_be_told_apart_nor_called_certain():
    labels = np.repeat([0, 1], [17, 16])
    tables = {name: table(labels, np.eye(2)[labels] * part + (1 - part) / 2) for name, part in (("a", 0.9), ("b", 0.8))}
    [pair] = compared(tables, np.arange(33))
    for figure in ("accuracy", "auroc"):
        assert (pair[figure]["difference"], pair[figure]["p"]) == (0, 1)
        assert pair[figure]["low"] < -0.05 < 0.05 < pair[figure]["high"]


def test_a_perfect_area_against_chance():
    labels = np.repeat([0, 1], 20)
    tables = {"perfect": table(labels, np.eye(2)[labels]), "constant": table(labels, np.full((40, 2), 0.5))}
    [pair] = compared(tables, np.arange(40))
    assert pair["auroc"]["difference"] == 0.5
    assert 0 < pair["auroc"]["p"] < 0.01
    assert 0 < pair["auroc"]["low"] < 0.5 < pair["auroc"]["high"] <= 1


def test_no_images_no_numbers():
    empty = table([], np.empty((0, 2)))
    [pair] = compared({"one": empty, "other": empty}, np.empty(0, int))
    assert all(math.isnan(value) for figure in FIGURES for value in pair[figure].values())


def test_one_class_alone_leaves_the_area_open():
    labels = np.zeros(10, int)
    random = np.random.default_rng(8)
    tables = {name: table(labels, random.dirichlet([1, 1], size=10)) for name in ("one", "other")}
    [pair] = compared(tables, np.arange(10))
    assert all(math.isnan(value) for value in pair["auroc"].values())
    assert not any(math.isnan(value) for figure in ("accuracy", "cross_entropy") for value in pair[figure].values())


def test_one_model_makes_no_pair():
    sample = Population().sample([1] * 10, np.random.default_rng(9))
    assert compared(sample.tables, sample.groups) == []


def test_the_largest_difference_of_losses_bounds_the_interval():
    labels = np.zeros(3, int)
    tables = {"right": table(labels, [[1, 0]] * 3), "wrong": table(labels, [[0, 1], [0, 1], [1, 0]])}
    [pair] = compared(tables, np.arange(3))
    assert -metrics.COSTLIEST <= pair["cross_entropy"]["low"] < 0
