"""The report's figures as SVG: bytes that depend on the data alone, colours that follow light or dark mode."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from medcnn.curves import Curve, Integers
from medcnn.report.facts import Facts, History

INK, MUTED, GRID = "#1d2730", "#5b6770", "#dfe4e8"
_SERIES = {
    "#1d5fbf": "#6cabff",
    "#b8500c": "#f0995a",
    "#177245": "#57c78a",
    "#7a45c4": "#b794f6",
    "#b3273d": "#ff8591",
    "#4f5b66": "#a7b2bc",
    "#8a6500": "#d9b44a",
    "#0b7285": "#4fc3d4",
    "#ad3587": "#f08cc8",
}
SERIES = tuple(_SERIES)
LINES = ("-", "--", ":")
LONG_NAME = 15
_SHADES = {INK: "#e4e8ec", MUTED: "#9ba6b0", GRID: "#2c353d", **_SERIES}
"""Every colour that is drawn with, and its counterpart in dark mode."""
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "medcnn",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
    "lines.linewidth": 1.4,
    "text.parse_math": False,
    "lines.solid_capstyle": "round",
}


@dataclass(frozen=True)
class Drawing:
    """A figure: the name of its file, the model or class it shows, the SVG, and the same in words."""

    name: str
    title: str
    svg: str
    alt: str


def learning_curves(facts: Facts) -> Iterator[Drawing]:
    """Loss over accuracy by epoch, a figure a model, with the same axes in all of them."""
    limits = _limits(facts)
    for model, history in facts.histories.items():
        best_epoch = facts.trained.get(model, {}).get("best_epoch")
        svg = _drawn((3.5, 3.4), partial(_draw_histories, history=history, best_epoch=best_epoch, limits=limits))
        yield Drawing(f"learning_{model}", model, svg, _history_in_words(model, history, best_epoch))


def confusions(facts: Facts) -> Iterator[Drawing]:
    """A confusion matrix a model: counts, tinted by their share of the true class."""
    for model, counts in facts.confusions.items():
        svg = _drawn((3.5, 3.0), partial(_draw_confusion, counts=counts, classes=facts.classes))
        yield Drawing(f"confusion_{model}", model, svg, _confusion_in_words(model, counts, facts.classes))


def roc_curves(facts: Facts) -> Iterator[Drawing]:
    """ROC curves on test, a figure a class, all models in each, the chosen one drawn bold."""
    for index, (name, by_model) in enumerate(facts.rocs.items()):
        svg = _drawn((3.5, 3.4), partial(_draw_rocs, by_model=by_model, chosen=facts.best))
        yield Drawing(f"roc_{index}", name, svg, f"ROC curves on test for the class {name}, of {', '.join(by_model)}.")


def _drawn(inches: tuple[float, float], draw: Callable[[Figure], None]) -> str:
    # Nothing of a matplotlibrc on this machine may enter the figure's bytes.
    with style.context(["default", _STYLE], after_reset=True):
        figure = Figure(figsize=inches, layout="constrained")
        draw(figure)
        buffer = io.StringIO()
        metadata: dict[str, Any] = {"Date": None, "Creator": None}
        figure.savefig(buffer, format="svg", transparent=True, metadata=metadata)
    return _with_modes(buffer.getvalue())


def _limits(facts: Facts) -> dict[str, tuple[float, float]]:
    every = [history for splits in facts.histories.values() for history in splits.values()]
    limits = {}
    for key in ("loss", "accuracy"):
        values = np.concatenate([getattr(history, key) for history in every]) if every else np.array([0.0, 1.0])
        margin = 0.05 * max(float(np.ptp(values)), 0.01)
        limits[key] = (float(values.min()) - margin, float(values.max()) + margin)
    return limits


def _draw_histories(
    figure: Figure, history: Mapping[str, History], best_epoch: int | None, limits: Mapping[str, tuple[float, float]]
) -> None:
    upper, lower = figure.subplots(2, 1, sharex=True)
    for axes, key in ((upper, "loss"), (lower, "accuracy")):
        if best_epoch is not None:
            axes.axvline(best_epoch, color=MUTED, linewidth=1, linestyle=(0, (2, 2)))
        for (split, values), shade in zip(history.items(), SERIES, strict=False):
            axes.plot(values.epochs, getattr(values, key), color=shade, label=split, marker="o", markersize=2.2)
        axes.set(ylabel=key.capitalize(), ylim=limits[key])
    lower.set(xlabel="Epoch")
    lower.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    upper.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0)


def _history_in_words(model: str, history: Mapping[str, History], best_epoch: int | None) -> str:
    epochs = max(len(values.epochs) for values in history.values())
    kept = f"; the weights of epoch {best_epoch} were kept" if best_epoch is not None else ""
    return f"Loss and accuracy of {model} by epoch on {' and '.join(history)}, over {epochs} epochs{kept}."


def _draw_confusion(figure: Figure, counts: Integers, classes: tuple[str, ...]) -> None:
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    for (row, column), images in np.ndenumerate(counts):
        # The strongest tint still lets the ink be read, in light and in dark.
        tint = 0.04 + 0.52 * shares[row, column]
        axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor=SERIES[0], alpha=tint, linewidth=0))
        weight = "bold" if row == column else "normal"
        axes.text(column, row, str(images), ha="center", va="center", fontsize=10, fontweight=weight)
    names = [name if len(name) < LONG_NAME else f"{name[: LONG_NAME - 2]}…" for name in classes]
    slant: dict[str, Any] = {"rotation": 30, "ha": "right"} if len(classes) > 2 else {}
    axes.set_xticks(range(len(classes)), names, **slant)
    axes.set_yticks(range(len(classes)), names)
    axes.set(xlim=(-0.5, len(classes) - 0.5), ylim=(len(classes) - 0.5, -0.5), xlabel="Predicted", ylabel="True")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _confusion_in_words(model: str, counts: Integers, classes: tuple[str, ...]) -> str:
    wrong = counts * (1 - np.eye(len(classes), dtype=np.int64))
    right = f"{model}: {int(np.trace(counts))} of {int(counts.sum())} test images right"
    if not wrong.any():
        return f"{right}, no errors."
    images = int(wrong.max())
    row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
    return f"{right}; the most frequent error is {classes[row]} read as {classes[column]} (images: {images})."


def _draw_rocs(figure: Figure, by_model: Mapping[str, Curve], chosen: str) -> None:
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
    for index, (model, curve) in enumerate(by_model.items()):
        line = axes.plot(curve.x, curve.y, color=SERIES[index % len(SERIES)], label=model)[0]
        line.set(linestyle=LINES[index // len(SERIES) % len(LINES)])
        if model == chosen:
            line.set(linewidth=2.4, zorder=3)
    axes.set(xlabel="False positive rate (1 - specificity)", ylabel="True positive rate (recall)")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.legend(loc="lower right")


def _with_modes(svg: str) -> str:
    """Make each colour a CSS variable: itself by default, its counterpart where the reader prefers dark."""
    variables = {light: f"--c{index}" for index, light in enumerate(_SHADES)}
    for light, name in variables.items():
        svg = svg.replace(light, f"var({name}, {light})")
    dark = "".join(f"{variables[light]}:{shade};" for light, shade in _SHADES.items())
    sheet = (
        "<style>text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif!important}"
        f"@media(prefers-color-scheme:dark){{svg{{{dark}}}}}</style>"
    )
    start = svg.index("<svg")
    return re.sub(r"(<svg[^>]*>)", lambda match: match.group(1) + sheet, svg[start:], count=1)
