"""Would more data help: accuracy by the number of training patients, and what twice as many would bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from medcnn.report.drawing import MUTED, SERIES, Drawing, drawn
from medcnn.results.base import read_if_made
from medcnn.results.learning_curve import Extrapolated, LearningCurve
from medcnn.runtime import paths

WORTH = 0.01
"""A gain of accuracy that is worth new patients."""


def curves(study: str, models: Iterable[str]) -> dict[str, LearningCurve]:
    """The learning curves of the models that have one."""
    found = {model: read_if_made(paths.metrics("learning_curve", study, model), LearningCurve) for model in models}
    return {model: curve for model, curve in found.items() if curve is not None}


def verdict(curve: LearningCurve) -> str:
    """Whether more patients would help, as far as the interval of the gain says."""
    of = curve.figures["accuracy"]
    if of.gain_low >= WORTH:
        return "More data would help"
    return (
        "More data of this kind would hardly help" if of.gain_high < WORTH else "Whether more data would help is open"
    )


def drawings(curves_of: Mapping[str, LearningCurve]) -> Iterator[Drawing]:
    """One figure per model."""
    for model, curve in curves_of.items():
        of = curve.figures["accuracy"]
        svg = drawn((4.2, 3.0), partial(_draw, curve=curve))
        points = ", ".join(f"{point.accuracy:.3f} with {point.groups}" for point in curve.points)
        doubled = f"by the fit {1 - of.doubled:.3f} with {2 * curve.points[-1].groups}"
        yield Drawing(f"growth_{model}", model, svg, f"Accuracy of {model} by training groups: {points}; {doubled}.")


def _draw(figure: Figure, curve: LearningCurve) -> None:
    axes, of = figure.add_subplot(), curve.figures["accuracy"]
    groups, most = [point.groups for point in curve.points], curve.points[-1].groups
    known, beyond = np.geomspace(groups[0], most, 50), np.geomspace(most, 2 * most, 20)
    axes.plot(known, _accuracy(of, known), color=SERIES[0])
    axes.plot(beyond, _accuracy(of, beyond), color=SERIES[0], linestyle="--")
    axes.plot(groups, [point.accuracy for point in curve.points], "o", color=SERIES[0], markersize=4)
    now = 1 - of.now
    axes.vlines(2 * most, now + of.gain_low, now + of.gain_high, color=MUTED)
    axes.set_xscale("log")
    axes.minorticks_off()
    ticks = [*groups, 2 * most]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xlabel("Training groups")
    axes.set_ylabel("Accuracy on test")


def _accuracy(of: Extrapolated, groups: np.ndarray) -> np.ndarray:
    return np.asarray(1 - (of.floor + of.scale * groups**-of.exponent))
