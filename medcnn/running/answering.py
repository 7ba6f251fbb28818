"""The answer of a run: the chosen model, who is as good, what a careless split would have leaked, and the page."""

from __future__ import annotations

from collections.abc import Iterator

from medcnn.params.judging.figures import TESTED
from medcnn.report.facts import Facts
from medcnn.runtime import paths


def lines(facts: Facts) -> Iterator[str]:
    """The answer, a line for each part of it."""
    test, data = facts.evaluated[facts.best].test, facts.data
    units = "patients" if data.patients else "images or sets of copies"
    yield f"chosen   {facts.best}: {_figures(facts, facts.best)}"
    yield f"         on {test.support:,} test images of {test.groups:,} {units}"
    if facts.like_best:
        first, *others = facts.like_best
        more = f"; so are {len(others)} more" if others else ""
        yield f"as good  {first}: {_figures(facts, first)}{more}"
    elif len(facts.models) > 1:
        yield "as good  no other model: all differ from the chosen one by more than chance"
    careless = f"a plain random split would leak {data.leak.random_split_fraction:.0%} of the held-out images"
    here = f"this one leaks {data.leak.this_split}" if data.patients else "here patients are unknown, and some may leak"
    yield f"leak     {careless}; {here}"
    yield f"page     {paths.REPORT.resolve().as_uri()}"


def _figures(facts: Facts, model: str) -> str:
    test = facts.evaluated[model].test
    shown = [(figure, test.get(figure.key)) for figure in TESTED]
    return ", ".join(
        f"{figure.name} {value:.3f} [{test.get(f'{figure.key}_low'):.3f}, {test.get(f'{figure.key}_high'):.3f}]"
        for figure, value in shown
        if value is not None
    )
