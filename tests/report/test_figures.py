from __future__ import annotations

import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest

from medcnn import layout, params
from medcnn.report import figures
from medcnn.report.facts import Facts, gathered
from tests.report.example import example


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Facts:
    folder = tmp_path_factory.mktemp("figures")
    made = example(folder).evaluate()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return gathered(made.study, params.load(layout.PARAMS))


def words(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]  # noqa: S314


def test_a_matrix_shows_its_counts(facts: Facts):
    drawn = {drawing.title: drawing for drawing in figures.confusions(facts)}
    assert list(drawn) == list(facts.models)
    counts = facts.confusions["simple"]
    assert [word for word in words(drawn["simple"].svg) if word.isdigit()] == [str(count) for count in counts.ravel()]
    assert f"{np.trace(counts)} of {counts.sum()} test images right" in drawn["simple"].alt


def test_curves_name_their_models(facts: Facts):
    drawn = list(figures.roc_curves(facts))
    assert [drawing.title for drawing in drawn] == list(facts.classes)
    assert set(facts.models) <= set(words(drawn[0].svg))


def test_learning_curves_name_splits_and_the_kept_epoch(facts: Facts):
    drawn = list(figures.learning_curves(facts))
    assert [drawing.title for drawing in drawn] == ["simple", "lite0", "lite0_relay_chain"]
    assert {"train", "validation", "Epoch", "Loss", "Accuracy"} <= set(words(drawn[0].svg))
    assert "the weights of epoch 4 were kept" in drawn[0].alt


def test_bytes_depend_on_the_data_alone(facts: Facts):
    first = [drawing.svg for drawing in figures.roc_curves(facts)]
    with mpl.rc_context({"font.size": 30, "svg.hashsalt": None, "lines.linewidth": 9}):
        second = [drawing.svg for drawing in figures.roc_curves(facts)]
    assert first == second
    assert not any("Matplotlib" in svg or "<dc:date>" in svg for svg in first)


def test_every_colour_has_a_counterpart_in_the_dark(facts: Facts):
    for drawing in (*figures.learning_curves(facts), *figures.confusions(facts), *figures.roc_curves(facts)):
        assert "prefers-color-scheme:dark" in drawing.svg
        plain = drawing.svg.split("</style>", 1)[1]
        for shade in (figures.INK, figures.MUTED, figures.GRID, *figures.SERIES):
            assert plain.count(shade) == plain.count(f", {shade})")
