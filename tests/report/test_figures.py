from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest

from medcnn.params import whole
from medcnn.report import drawing as ink
from medcnn.report import figures, score_figures
from medcnn.report.facts import Facts
from medcnn.report.gathering import gathered
from medcnn.results.networks import Stressed
from medcnn.runtime import paths
from tests.report.example import example


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    folder = tmp_path_factory.mktemp("figures")
    made = example(folder).evaluate()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return gathered(made.study, whole.load(paths.PARAMS))


def words(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314


def test_a_matrix_shows_its_counts(facts: Facts):
    drawn = {drawing.title: drawing for drawing in figures.confusions(facts)}
    assert list(drawn) == list(facts.best_first)
    counts = facts.confusions["simple"]
    assert [word for word in words(drawn["simple"].svg) if word.isdigit()] == [str(count) for count in counts.ravel()]
    assert f"{np.trace(counts)} of {counts.sum()} test images right" in drawn["simple"].alt


def test_curves_name_their_models(facts: Facts):
    drawn = list(score_figures.roc_curves(facts))
    assert [drawing.title for drawing in drawn] == list(facts.classes)
    assert {*facts.best_first[:3], "the other models"} <= set(words(drawn[0].svg))
    assert set(facts.best_first[3:]).isdisjoint(words(drawn[0].svg))
    assert all(model in drawn[0].alt for model in facts.models)


def test_precision_scores_and_net_benefit_are_drawn_by_class(facts: Facts):
    for kind in (score_figures.precision_recalls, score_figures.scores, score_figures.decisions):
        assert [drawing.title for drawing in kind(facts)] == list(facts.classes)
    decision = next(score_figures.decisions(facts)).svg
    assert {"calling all", "calling none", facts.best} <= set(words(decision))


def test_scores_and_net_benefit_are_those_of_a_recount(facts: Facts):
    test = facts.evaluated[facts.best].test
    for name, by_model in facts.errors.items():
        errors, positives = by_model[facts.best], test.classes[name].support
        scores, of_class, others = score_figures.counted(errors)
        assert (of_class.sum(), others.sum()) == (positives, test.support - positives)
        found = score_figures.benefit(errors, positives, test.support)
        for threshold, value in zip(found.x, found.y, strict=True):
            hits, alarms = of_class[scores >= threshold].sum(), others[scores >= threshold].sum()
            assert value == pytest.approx((hits - alarms * threshold / (1 - threshold)) / test.support)


def test_learning_curves_name_splits_and_the_kept_epoch(facts: Facts):
    drawn = list(figures.learning_curves(facts))
    assert [drawing.title for drawing in drawn] == [model for model in facts.best_first if model in facts.histories]
    assert {"train", "validation", "Epoch", "Loss", "Accuracy"} <= set(words(drawn[0].svg))
    assert "the weights of epoch 4 were kept" in drawn[0].alt


def test_bytes_depend_on_the_data_alone(facts: Facts):
    first = [drawing.svg for drawing in score_figures.roc_curves(facts)]
    with mpl.rc_context({"font.size": 30, "svg.hashsalt": None, "lines.linewidth": 9}):
        second = [drawing.svg for drawing in score_figures.roc_curves(facts)]
    assert first == second
    assert not any("Matplotlib" in svg or "<dc:date>" in svg for svg in first)


def test_a_reliability_diagram_shows_both_states_and_says_how_far_off_they_are(facts: Facts):
    drawn = list(figures.reliabilities(facts))
    assert [drawing.title for drawing in drawn] == list(facts.best_first)
    assert {"before", "after", "Confidence", "Accuracy", "Images"} <= set(words(drawn[0].svg))
    assert f"{facts.evaluated[facts.best].calibration.get('ece'):.3f} after" in drawn[0].alt


def test_degraded_images_are_drawn_by_the_kind_of_damage(facts: Facts):
    assert list(figures.degradations(facts)) == []
    level = {"accuracy": 0.8, "accuracy_low": 0.7, "accuracy_high": None}
    blurred = [{"strength": 2, **level}, {"strength": 4, **level}]
    found = Stressed.model_validate({"images": 9, "clean": level, "augmented": level, "degraded": {"blur": blurred}})
    [drawn] = figures.degradations(replace(facts, stressed={"simple": found}))
    assert (drawn.name, drawn.title) == ("stress_blur", "blur")
    assert {"clean", "2", "4", "simple"} <= set(words(drawn.svg))


def test_every_colour_has_a_counterpart_in_the_dark(facts: Facts):
    for drawing in figures.all_of(facts):
        assert "prefers-color-scheme:dark" in drawing.svg
        plain = drawing.svg.split("</style>", 1)[1]
        for shade in (ink.INK, ink.MUTED, ink.GRID, *ink.SERIES):
            assert plain.count(shade) == plain.count(f", {shade})")
