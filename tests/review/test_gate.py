"""The gate holds what params.yaml says, and names every rule that is broken."""

from __future__ import annotations

from typing import Any

import pytest

from medcnn.params.gate import Gate
from medcnn.review.gate import breaches
from medcnn.review.results import OnTest, Pair, Results, Reviewed

FIGURES = {"accuracy": 0.9, "balanced_accuracy": 0.9, "auroc": 0.95}
NONE = dict.fromkeys(FIGURES)


def results(**test: Any) -> Results:
    found = Reviewed(test=OnTest(**{**FIGURES, **test}))
    return Results("brain", "vgg16", ("vgg16",), {"vgg16": found}, fingerprint="f", table=None)


def broken(now: Results, before: Results | None, **rules: Any) -> list[str]:
    gate = Gate(**{"floors": NONE, "largest_fall": NONE, **rules})
    return [str(breach) for breach in breaches([Pair(now, before)], gate)]


def test_nothing_is_held_where_every_rule_is_null():
    assert broken(results(accuracy=0.0), results()) == []


def test_a_floor_is_kept_at_its_very_value_and_broken_below():
    floors = {**NONE, "accuracy": 0.9}
    assert broken(results(), None, floors=floors) == []
    assert broken(results(accuracy=0.899), None, floors=floors) == [
        "brain: accuracy of vgg16 on test: wanted at least 0.9, found 0.8990"
    ]


def test_an_undefined_figure_keeps_no_floor():
    assert broken(results(auroc=None), None, floors={**NONE, "auroc": 0.0}) == [
        "brain: auroc of vgg16 on test: wanted at least 0, found no defined value"
    ]


@pytest.mark.parametrize(("now", "lines"), [(0.95, 0), (0.85, 0), (0.849, 1), (None, 1)])
def test_a_fall_is_held_against_the_base(now: float | None, lines: int):
    assert len(broken(results(accuracy=now), results(), largest_fall={**NONE, "accuracy": 0.05})) == lines


def test_a_study_that_the_base_lacks_or_could_not_measure_is_held_to_the_floors_alone():
    falls = {**NONE, "accuracy": 0.0}
    assert broken(results(accuracy=0.1), None, largest_fall=falls) == []
    assert broken(results(accuracy=0.1), results(accuracy=None), largest_fall=falls) == []


def test_every_broken_rule_is_named():
    lines = broken(
        results(accuracy=0.5), results(), floors={**NONE, "accuracy": 0.7}, largest_fall=dict(NONE, accuracy=0.1)
    )
    assert [("at least" in line, "fall" in line) for line in lines] == [(True, False), (False, True)]
