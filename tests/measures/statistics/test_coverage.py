"""How often the intervals of 0.95 hold the truth, and how often the tests cry wolf, over 2,000 draws of known truth.

``pytest tests/measures/statistics/test_coverage.py -rP`` prints every figure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from medcnn.measures import metrics, statistics
from medcnn.params.judging.figures import TESTED
from tests.measures.statistics.population import SETTINGS, Population

FIGURES = tuple(figure.key for figure in TESTED)

DRAWS = 2000
RESAMPLES = 400
SINGLE, PATIENTS = [1] * 200, [1, 2, 3, 4, 5] * 16
NARROWEST, WIDEST = 0.93, 0.97

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("error")]


def flat(figures: dict[str, Any]) -> dict[str, float]:
    """All figures of a model, those of the second class under names of their own."""
    of_class = {f"class_1 {key}": value for key, value in figures["classes"]["class_1"].items()}
    return {key: value for key, value in figures.items() if key != "classes"} | of_class


def truth(population: Population, images: list[int]) -> dict[str, float]:
    """The figures on more than a million images; two models that see equally well do not differ."""
    many = population.sample(images * (1_200_000 // sum(images)), np.random.default_rng(1))
    [table] = many.tables.values()
    figures = flat(metrics.scores(table.labels, table.probabilities, table.classes))
    of_patients = {f"patient_{figure}": figures[figure] for figure in ("accuracy", "cross_entropy")}
    differences = {f"difference in {figure}": 0.0 for figure in FIGURES}
    error = metrics.ece(table.labels, table.probabilities, SETTINGS.bins)
    return figures | of_patients | differences | {"ece": error}


def intervals(population: Population, images: list[int]) -> Iterator[dict[str, tuple[float, float]]]:
    """The intervals of each draw, by figure; of a difference also ``(p, p)`` as ``p of ...``."""
    settings = SETTINGS.model_copy(update={"resamples": RESAMPLES})
    random = np.random.default_rng(2)
    for _ in range(DRAWS):
        sample = population.sample(images, random, models=2)
        tables = sample.tables
        found = flat(statistics.measured(tables["model_0"], sample.groups, settings, 1, True))
        bounds = {key: (found[f"{key}_low"], found[f"{key}_high"]) for key in found if f"{key}_low" in found}
        [pair] = statistics.compared(tables, sample.groups, settings, 1)
        for figure in FIGURES:
            bounds[f"difference in {figure}"] = pair[figure]["low"], pair[figure]["high"]
            bounds[f"p of {figure}"] = pair[figure]["p"], pair[figure]["p"]
        yield bounds


@pytest.mark.parametrize(
    ("images", "population"),
    [
        (SINGLE, Population()),
        (PATIENTS, Population(alike=0.5)),
        (PATIENTS, Population(alike=0.5, classes=3)),
    ],
    ids=["200 images", "80 patients", "80 patients, 3 classes"],
)
def test_every_interval_holds_the_truth_as_often_as_it_says(images: list[int], population: Population):
    true = truth(population, images)
    draws = list(intervals(population, images))
    coverage = {
        key: np.mean([low <= true[key] <= high for low, high in (draw[key] for draw in draws)])
        for key in draws[0]
        if key in true
    }
    alarms = {key: np.mean([draw[key][0] < 0.05 for draw in draws]) for key in draws[0] if key not in true}
    for key, share in (coverage | alarms).items():
        print(f"{key:28} {share:.3f}")
    assert {key: share for key, share in coverage.items() if not NARROWEST <= share <= WIDEST} == {}
    assert {key: share for key, share in alarms.items() if share > 0.06} == {}
