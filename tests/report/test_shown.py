from __future__ import annotations

import pytest

from medcnn.report import shown
from tests.report.html import parsed


def test_a_number_keeps_its_exact_value():
    assert shown.number(0.893130, 2) == '<data value="0.89313">0.89</data>'
    assert shown.percent(0.893130) == '<data value="0.89313">89.3\N{NO-BREAK SPACE}%</data>'
    assert shown.count(12345) == '<data value="12345">12,345</data>'


def test_what_is_not_defined_is_a_dash():
    for show in (
        shown.number,
        shown.percent,
        shown.signed,
        shown.as_published,
        shown.times,
        shown.count,
        shown.p_value,
    ):
        assert parsed(str(show(None))).text == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (17405658, "17.4 MB"), (10_000_000_000, "10 GB")],
)
def test_sizes(size: int, text: str):
    assert parsed(shown.size(size)).text == text


@pytest.mark.parametrize(("value", "text"), [(999, "999"), (1_200_000, "1.2 M"), (15_500_000_000, "15.5 G")])
def test_costs(value: int, text: str):
    assert parsed(shown.times(value)).text == text


def test_a_published_figure_keeps_the_zeros_that_yaml_drops():
    assert shown.as_published(0.8) == '<data value="0.8">0.80</data>'
    assert shown.as_published(0.8659) == '<data value="0.8659">0.8659</data>'


def test_a_difference_shows_its_sign():
    assert shown.signed(0.08, 2) == '<data value="0.08">+0.08</data>'
    assert shown.signed(-0.08, 2) == '<data value="-0.08">-0.08</data>'


def test_a_tiny_p_value_is_not_zero():
    assert parsed(shown.p_value(0.0004)).text == "< 0.001"
    assert parsed(shown.p_value(0.0423)).text == "0.042"


def test_an_interval_stands_behind_its_figure_only_where_there_is_one():
    block = {"accuracy_low": 0.5, "accuracy_high": 0.75, "auroc_low": None, "auroc_high": None}
    assert parsed(shown.interval(block, "accuracy", 2)).text == "0.50\N{EN DASH}0.75"
    assert shown.interval(block, "auroc") == ""
