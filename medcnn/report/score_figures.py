"""Figures of each class against the rest: ROC, precision and recall, scores, and what calling by them is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from medcnn.core.arrays import Floats, Integers
from medcnn.measures import decision
from medcnn.measures.curves import Curve
from medcnn.report.drawing import INK, MUTED, SERIES, Drawing, drawn
from medcnn.report.facts import Facts
from medcnn.report.reading import Errors

NAMED = 3
"""How many curves of a figure have a colour and a name of their own; the others are grey."""
BINS = 20
THRESHOLDS = np.linspace(0.01, 0.99, 99)
"""At which net benefit is drawn."""


@dataclass(frozen=True)
class Curves:
    """One curve per model, the chosen one's first; a few have a name, the others are grey."""

    by_model: Mapping[str, Curve]

    @classmethod
    def of(cls, facts: Facts, by_model: Mapping[str, Curve]) -> Curves:
        """Those of a figure, in the page's order of models."""
        return cls({model: by_model[model] for model in facts.best_first if model in by_model})

    def draw(self, axes: Axes, drawstyle: Literal["default", "steps-pre"] = "default") -> None:
        """The first bold, the next two fine, and the rest grey."""
        for place, (model, curve) in enumerate(self.by_model.items()):
            style: dict[str, Any] = {"color": MUTED, "linewidth": 0.9, "alpha": 0.4}
            label = "the other models" if place == NAMED else None
            if place < NAMED:
                style = {"color": SERIES[place], "linewidth": 1.2 if place else 2.4, "zorder": 4 - place}
                label = model
            axes.plot(curve.x, curve.y, drawstyle=drawstyle, label=label, **style)


def roc_curves(facts: Facts) -> Iterator[Drawing]:
    """ROC curves on test, one figure per class."""
    for index, (name, by_model) in enumerate(facts.rocs.items()):
        svg = drawn((3.5, 3.4), partial(_draw_roc, Curves.of(facts, by_model)))
        yield Drawing(f"roc_{index}", name, svg, f"ROC curves on test for the class {name}, of {', '.join(by_model)}.")


def precision_recalls(facts: Facts) -> Iterator[Drawing]:
    """Precision over recall on test, one figure per class."""
    for index, (name, by_model) in enumerate(facts.precision_recalls.items()):
        svg = drawn((3.5, 3.4), partial(_draw_precision, Curves.of(facts, by_model), _prevalence(facts, name)))
        words = f"Precision over recall on test for the class {name}, of {', '.join(by_model)}."
        yield Drawing(f"pr_{index}", name, svg, words)


def scores(facts: Facts) -> Iterator[Drawing]:
    """The probabilities that the chosen model gives to images of a class, and to all others: one figure per class."""
    for index, (name, by_model) in enumerate(facts.errors.items()):
        if facts.best in by_model:
            point = facts.evaluated[facts.best].operating_points.get(name)
            svg = drawn((3.5, 3.0), partial(_draw_scores, by_model[facts.best], point.threshold if point else None))
            words = f"Test images by the probability of {name} that {facts.best} gives them, those of the class above."
            yield Drawing(f"scores_{index}", name, svg, words)


def decisions(facts: Facts) -> Iterator[Drawing]:
    """Net benefit over the threshold on test, one figure per class, beside calling every image and none."""
    images = facts.evaluated[facts.best].test.support
    for index, (name, by_model) in enumerate(facts.errors.items()):
        positives = facts.evaluated[facts.best].test.classes[name].support
        if not images:
            continue
        benefits = {model: benefit(errors, positives, images) for model, errors in by_model.items()}
        svg = drawn((3.5, 3.8), partial(_draw_decision, Curves.of(facts, benefits), positives, images))
        words = (
            f"Net benefit on test of calling {name}, by threshold, of {', '.join(by_model)}, of all images and none."
        )
        yield Drawing(f"decision_{index}", name, svg, words)


def benefit(errors: Errors, positives: int, images: int) -> Curve:
    """The net benefit of calling at each of ``THRESHOLDS``, from the errors at the thresholds that are written."""
    rows = np.searchsorted(errors.thresholds, THRESHOLDS)
    missed = np.append(errors.false_negatives, positives)[rows]
    alarms = np.append(errors.false_positives, 0)[rows]
    return Curve(THRESHOLDS, decision.net_benefit(positives - missed, alarms, images, THRESHOLDS))


def counted(errors: Errors) -> tuple[Floats, Integers, Integers]:
    """Every score of test, how many images of the class have it, and how many others.

    From one threshold to the next false negatives rise by the images of the class that score as much as the lower one,
    and false positives fall by the others.
    """
    return errors.thresholds[:-1], np.diff(errors.false_negatives), -np.diff(errors.false_positives)


def _prevalence(facts: Facts, name: str) -> float:
    test = facts.evaluated[facts.best].test
    return test.classes[name].support / test.support


def _draw_roc(curves: Curves, figure: Figure) -> None:
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
    curves.draw(axes)
    axes.set(xlabel="False positive rate (1 - specificity)", ylabel="True positive rate (recall)")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.legend(loc="lower right")


def _draw_precision(curves: Curves, prevalence: float, figure: Figure) -> None:
    axes = figure.subplots()
    axes.axhline(prevalence, color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
    curves.draw(axes, drawstyle="steps-pre")
    axes.set(xlabel="Recall (sensitivity)", ylabel="Precision (PPV)")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.legend(loc="lower left")


def _draw_scores(errors: Errors, threshold: float | None, figure: Figure) -> None:
    upper, lower = figure.subplots(2, 1, sharex=True)
    found, of_class, others = counted(errors)
    edges = np.linspace(0, 1, BINS + 1)
    for axes, images, shade, label in ((upper, of_class, SERIES[0], "of the class"), (lower, others, MUTED, "others")):
        heights, _ = np.histogram(np.clip(found, 0, 1), edges, weights=images)
        axes.bar(edges[:-1], heights, width=0.9 / BINS, align="edge", color=shade, linewidth=0)
        if threshold is not None:
            axes.axvline(min(threshold, 1.0), color=INK, linewidth=1, linestyle=(0, (3, 2)))
        axes.set(ylabel=f"Images, {label}", xlim=(-0.02, 1.02))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    lower.set(xlabel="Calibrated probability")


def _draw_decision(curves: Curves, positives: int, images: int, figure: Figure) -> None:
    axes = figure.subplots()
    everyone = decision.of_calling_all(positives, images, THRESHOLDS)
    axes.axhline(0, color=INK, linewidth=1, label="calling none")
    axes.plot(THRESHOLDS, everyone, color=INK, linewidth=1, linestyle=(0, (3, 2)), label="calling all")
    curves.draw(axes)
    most = max(positives / images, 0.01)
    axes.set(xlabel="Threshold", ylabel="Net benefit", xlim=(0, 1), ylim=(-0.6 * most, 1.1 * most))
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    figure.legend(loc="outside lower center", ncols=2)
