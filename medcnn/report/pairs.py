"""Every model against every other: the paired tests as matrices, and which way a difference goes."""

from __future__ import annotations

from dataclasses import dataclass

from medcnn.params.judging.figures import BY_KEY, TESTED
from medcnn.report.facts import Facts
from medcnn.results.compared import Difference

_NONE = Difference(difference=None, low=None, high=None, p=None, p_holm=None)


@dataclass(frozen=True)
class Cell:
    """One model less another, in one figure.

    Attributes:
        difference: the model of the row less that of the column; None where it is not defined.
        share: its size, from 0 to 1 for the largest of the matrix.
        better: whether the model of the row is the better one.
        apart: whether a paired test, corrected for all pairs, finds more than chance.
        words: the difference in every tested figure, with intervals and p-values.
    """

    difference: float | None
    share: float
    better: bool
    apart: bool
    words: str


def difference(facts: Facts, first: str, second: str, figure: str) -> Difference:
    """How much higher a figure of the first model is than the second's, whichever way round they were compared."""
    for pair in facts.compared.pairs:
        if (pair.first, pair.second) == (first, second):
            return pair.difference(figure)
        if (pair.first, pair.second) == (second, first):
            return _turned(pair.difference(figure))
    return _NONE


def better(facts: Facts, first: str, second: str, figure: str) -> bool:
    """Whether a figure of the first model is better than the second's, by however little."""
    return BY_KEY[figure].sign * (difference(facts, first, second, figure).difference or 0.0) > 0


def apart(facts: Facts, first: str, second: str, figure: str) -> bool:
    """Whether a paired test, corrected for all pairs, finds the two models different in a figure."""
    p_value = difference(facts, first, second, figure).p_holm
    return p_value is not None and p_value < facts.judged.significance


def matrix(facts: Facts, figure: str) -> list[list[Cell | None]]:
    """The differences of all models in one figure, rows and columns in the page's order; None on the diagonal."""
    models = facts.best_first
    found = {(first, second): difference(facts, first, second, figure) for first in models for second in models}
    largest = max((abs(of.difference) for of in found.values() if of.difference), default=1.0)
    return [
        [
            None if first == second else _cell(facts, (first, second), figure, found[first, second], largest)
            for second in models
        ]
        for first in models
    ]


def _cell(facts: Facts, models: tuple[str, str], figure: str, found: Difference, largest: float) -> Cell:
    return Cell(
        found.difference,
        abs(found.difference or 0.0) / largest,
        better(facts, *models, figure),
        apart(facts, *models, figure),
        _in_words(facts, *models),
    )


def _in_words(facts: Facts, first: str, second: str) -> str:
    figures = (f"{of.name} {_figure(difference(facts, first, second, of.key))}" for of in TESTED)
    return f"{first} less {second}: {'; '.join(figures)}"


def _figure(found: Difference) -> str:
    if found.difference is None:
        return "not defined"
    ends = "" if found.low is None or found.high is None else f" ({found.low:+.3f} to {found.high:+.3f})"
    p_value = "" if found.p_holm is None else f", p = {found.p_holm:.3f}"
    return f"{found.difference:+.3f}{ends}{p_value}"


def _turned(found: Difference) -> Difference:
    low, high = (None if end is None else -end for end in (found.high, found.low))
    turned = None if found.difference is None else -found.difference
    return found.model_copy(update={"difference": turned, "low": low, "high": high})
