from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medcnn.dataset import predictions
from medcnn.measures.calibration import calibrated
from medcnn.params import whole
from medcnn.report import tradeoff
from medcnn.report.facts import Facts
from medcnn.report.gathering import gathered
from medcnn.report.reading import Errors
from medcnn.runtime import paths
from tests.report.example import Example, example


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return example(tmp_path_factory.mktemp("tradeoff")).evaluate()


@pytest.fixture(scope="module")
def facts(made: Example) -> Facts:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        return gathered(made.study, whole.load(paths.PARAMS))


def test_the_errors_at_every_stop_are_those_of_a_recount(made: Example, facts: Facts):
    for model in ("simple", "ensemble_mean"):
        table = calibrated(predictions.read(made.predictions_of(model)))[1].of("test")
        for index, name in enumerate(facts.classes):
            positive, scores = table.labels == index, table.probabilities[:, index]
            stops = tradeoff.stops(facts, name, model)
            for threshold, missed, alarms in zip(
                stops.thresholds, stops.false_negatives, stops.false_positives, strict=True
            ):
                called = scores >= threshold
                assert (missed, alarms) == (int((positive & ~called).sum()), int((~positive & called).sum()))


def test_the_fitted_stop_is_the_operating_point(facts: Facts):
    for name in facts.classes:
        stops = tradeoff.stops(facts, name, "lite0")
        point = facts.evaluated["lite0"].operating_points[name]
        assert stops.fitted is not None
        assert stops.thresholds[stops.fitted] == point.threshold
        assert stops.false_negatives[stops.fitted] == point.false_negatives
        assert stops.thresholds == sorted(set(stops.thresholds))


def test_many_thresholds_are_thinned_but_never_the_ends_or_the_fitted_one(facts: Facts):
    name, count = facts.classes[0], 5000
    many = Errors(np.linspace(0, 1, count), np.arange(count), np.arange(count)[::-1])
    thinned = tradeoff.stops(replace(facts, errors={name: {"simple": many}}), name, "simple")
    assert len(thinned.thresholds) <= tradeoff.STOPS + 1
    assert (thinned.false_negatives[0], thinned.false_positives[-1]) == (0, 0)
    assert thinned.fitted is not None


def test_a_class_that_validation_lacks_has_no_fitted_stop(facts: Facts):
    name = facts.classes[0]
    simple = facts.evaluated["simple"]
    point = simple.operating_points[name].model_copy(update={"threshold": None})
    unfitted = {**facts.evaluated, "simple": simple.model_copy(update={"operating_points": {name: point}})}
    without = replace(facts, evaluated=unfitted)
    assert tradeoff.stops(without, name, "simple").fitted is None
    assert "simple" not in tradeoff.chart(without, name).fitted


def test_a_chart_has_a_line_for_every_model_inside_its_frame(facts: Facts):
    drawn = tradeoff.chart(facts, tradeoff.hardest(facts))
    assert set(drawn.lines) == set(facts.models)
    points = [tuple(map(float, point.split(","))) for line in drawn.lines.values() for point in line.split()]
    assert all(0 <= across <= tradeoff.WIDTH and 0 <= up <= tradeoff.HEIGHT for across, up in points)
    assert drawn.across.ticks[0] == drawn.up.ticks[0] == 0
