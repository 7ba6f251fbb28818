"""The pictures of a pull request's comment, base against now, as PNG."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from medcnn.dataset.predictions import Predictions
from medcnn.measures import calibration, curves
from medcnn.results.base import Figures
from medcnn.review.results import Pair, Results

_SIDES = {"base": ("#8a949c", "--", "s"), "now": ("#1d5fbf", "-", "o")}
"""Colour, line and marker of each side."""
_STYLE: dict[str, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#dfe4e8",
    "legend.frameon": False,
    "text.parse_math": False,
}
_COLUMNS = 3
_DOTS_PER_INCH = 120


def drawn(pair: Pair, bins: int) -> Iterator[tuple[str, str, bytes]]:
    """Each picture of a study: its name, what it shows in words, and the PNG.

    Args:
        pair: the study now and at the base.
        bins: of the reliability diagram.
    """
    sides = {name: side for name, side in (("base", pair.before), ("now", pair.now)) if side is not None}
    study = pair.now.study
    # Nothing of a matplotlibrc on this machine may change the pictures.
    with style.context(["default", _STYLE], after_reset=True):
        words = f"{study}: accuracy on test with intervals, every model, {' against '.join(sides)}"
        yield f"{study}-ranking", words, _png(_ranking(sides, pair.now.ranking, words))
        tables = {name: side.table for name, side in sides.items() if side.table is not None}
        if tables:
            words = f"{study}: ROC curves and reliability of the chosen model on test, {' against '.join(tables)}"
            yield f"{study}-curves", words, _png(_curves(sides, tables, bins, words))


def _ranking(sides: Mapping[str, Results], models: Sequence[str], title: str) -> Figure:
    figure = Figure(figsize=(8, 1.2 + 0.36 * len(models)), layout="constrained")
    axes = figure.subplots()
    for shift, (name, side) in zip((0.14, -0.14), sides.items(), strict=False):
        for place, model in enumerate(reversed(models)):
            if model in side.evaluated:
                _draw_interval(axes, place + shift, side.evaluated[model].test, name)
    axes.set_yticks(range(len(models)), list(reversed(models)))
    axes.set(xlabel="Accuracy", title=title)
    # One entry a side, however many marks it has.
    entries = {label: mark for mark, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=len(sides))
    return figure


def _draw_interval(axes: Axes, place: float, test: Figures, side: str) -> None:
    value, low, high = (test.get(key) for key in ("accuracy", "accuracy_low", "accuracy_high"))
    if value is None:
        return
    colour, _, marker = _SIDES[side]
    if low is not None and high is not None:
        axes.plot([low, high], [place, place], color=colour, linewidth=1.4)
    axes.plot(value, place, color=colour, marker=marker, markersize=5, linestyle="none", label=side)


def _curves(sides: Mapping[str, Results], tables: Mapping[str, Predictions], bins: int, title: str) -> Figure:
    classes = list(tables.values())[-1].classes
    shown = [classes[index] for index in curves.of_interest(len(classes))]
    columns = min(len(shown) + 1, _COLUMNS)
    rows = -(-(len(shown) + 1) // columns)
    figure = Figure(figsize=(3.4 * columns, 0.8 + 3.2 * rows), layout="constrained")
    *rocs, reliability = (figure.add_subplot(rows, columns, place + 1) for place in range(len(shown) + 1))
    for axes, of_class in zip(rocs, shown, strict=True):
        for name, table in tables.items():
            _draw_roc(axes, table.of("test"), of_class, name)
        axes.set(title=f"ROC: {of_class}", xlabel="False positive rate", ylabel="True positive rate")
    reliability.plot([0, 1], [0, 1], color="#c0c7cc", linewidth=1, linestyle=":")
    for name, table in tables.items():
        _draw_reliability(reliability, table, bins, f"{name}: {sides[name].best}", name)
    reliability.set(title="Reliability, calibrated", xlabel="Confidence", ylabel="Accuracy", xlim=(0, 1.02))
    figure.legend(*reliability.get_legend_handles_labels(), loc="outside lower center", ncols=len(tables))
    figure.suptitle(title)
    return figure


def _draw_roc(axes: Axes, test: Predictions, of_class: str, side: str) -> None:
    if of_class in test.classes:
        index = test.classes.index(of_class)
        curve = curves.roc(test.labels == index, test.probabilities[:, index])
        colour, line, _ = _SIDES[side]
        axes.plot(curve.x, curve.y, color=colour, linestyle=line)


def _draw_reliability(axes: Axes, table: Predictions, bins: int, label: str, side: str) -> None:
    colour, line, marker = _SIDES[side]
    test = calibration.calibrated(table)[1].of("test")
    points = calibration.reliability(test.labels, test.probabilities, bins)
    axes.plot(
        [point.confidence for point in points],
        [point.accuracy for point in points],
        color=colour, linestyle=line, marker=marker, markersize=4, label=label,
    )  # fmt: skip


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DOTS_PER_INCH, metadata={"Software": None})
    return buffer.getvalue()
