"""The report's figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

from medcnn.core.arrays import Integers
from medcnn.measures.statistics.intervals import wilson
from medcnn.params.judging.evaluate import Judging
from medcnn.report import growth, score_figures
from medcnn.report.claims import Claims
from medcnn.report.drawing import MUTED, SERIES, Drawing, drawn
from medcnn.report.explorer import outcomes
from medcnn.report.facts import Facts
from medcnn.report.reading import History, Reliability
from medcnn.results.measured import Calibration
from medcnn.results.networks import Stressed

LEAST_POINT, MOST_POINT = 6, 70
"""Areas of a point of a reliability diagram, in square points: of hardly any image, and of all of them."""
LONG_NAME = 15
MANY_EPOCHS = 25
STRENGTHS = {
    "brightness": "Brightness added, share of white",
    "contrast": "Contrast kept",
    "noise": "Standard deviation of noise, share of white",
    "blur": "Radius of blur, pixels of 224",
    "jpeg": "Quality of JPEG",
}
"""What the strengths of each kind of damage are."""


def all_of(facts: Facts) -> tuple[Drawing, ...]:
    """Every figure of a study whose bytes depend on its results alone; those of timings are not among them."""
    return (
        *claimed(facts),
        *learning_curves(facts),
        *confusions(facts),
        *score_figures.roc_curves(facts),
        *score_figures.precision_recalls(facts),
        *score_figures.scores(facts),
        *score_figures.decisions(facts),
        *reliabilities(facts),
        *degradations(facts),
        *growth.drawings(facts.curves),
    )


def claimed(facts: Facts) -> Iterator[Drawing]:
    """What a careless split would have said beside what holds, two dots per model, and what holds with other seeds."""
    if facts.claims is not None:
        height = 0.9 + 0.45 * len(facts.claims.by_model)
        svg = drawn((5.2, height), partial(_draw_claims, facts.claims))
        yield Drawing(f"careless_{facts.claims.key}", facts.claims.key, svg, f"{facts.claims.sentence}.")


def learning_curves(facts: Facts) -> Iterator[Drawing]:
    """Loss over accuracy by epoch, one figure per model, the best first, with the same axes in all of them."""
    limits = _limits(facts)
    for model in facts.best_first:
        if history := facts.histories.get(model):
            best_epoch = facts.trained[model].best_epoch if model in facts.trained else None
            svg = drawn((3.5, 3.4), partial(_draw_histories, history=history, best_epoch=best_epoch, limits=limits))
            yield Drawing(f"learning_{model}", model, svg, _history_in_words(model, history, best_epoch))


def confusions(facts: Facts) -> Iterator[Drawing]:
    """One confusion matrix per model: counts, tinted by their share of the true class."""
    for model in facts.best_first:
        if (counts := facts.confusions.get(model)) is not None:
            svg = drawn((3.5, 3.0), partial(_draw_confusion, counts=counts, classes=outcomes(facts.classes)))
            yield Drawing(f"confusion_{model}", model, svg, _confusion_in_words(model, counts, outcomes(facts.classes)))


def reliabilities(facts: Facts) -> Iterator[Drawing]:
    """One reliability diagram per model, the best first: before and after the temperature, over the images per bin."""
    for model in facts.best_first:
        if diagrams := facts.reliabilities.get(model):
            words = _reliability_in_words(model, facts.evaluated[model].calibration)
            svg = drawn((3.5, 3.9), partial(_draw_reliability, diagrams=diagrams, judged=facts.judged))
            yield Drawing(f"reliability_{model}", model, svg, words)


def degradations(facts: Facts) -> Iterator[Drawing]:
    """Accuracy on degraded images, one figure per kind of damage, all models in each, over its strength."""
    kinds = dict.fromkeys(kind for block in facts.stressed.values() for kind in block.degraded)
    for kind in kinds:
        by_model = {model: block for model, block in facts.stressed.items() if kind in block.degraded}
        words = f"Accuracy on test by strength of {kind}, of {', '.join(by_model)}; every point is in the table below."
        yield Drawing(f"stress_{kind}", kind, drawn((3.5, 2.6), partial(_draw_stress, kind, by_model)), words)


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
            marker = "o" if len(values.epochs) <= MANY_EPOCHS else ""
            axes.plot(values.epochs, getattr(values, key), color=shade, label=split, marker=marker, markersize=2.2)
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
    """How many images are right, and which error is the most frequent."""
    wrong = counts * (1 - np.eye(len(classes), dtype=np.int64))
    right = f"{model}: {int(np.trace(counts))} of {int(counts.sum())} test images right"
    if not wrong.any():
        return f"{right}, no errors."
    images = int(wrong.max())
    row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
    return f"{right}; the most frequent error is {classes[row]} read as {classes[column]} (images: {images})."


def _draw_reliability(figure: Figure, diagrams: Mapping[str, Reliability], judged: Judging) -> None:
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    upper.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (1, 3)))
    for (when, diagram), shade, marker in zip(diagrams.items(), (MUTED, SERIES[0]), "os", strict=False):
        ends = [wilson(*of_bin, judged.confidence) for of_bin in zip(diagram.accuracy, diagram.images, strict=True)]
        upper.vlines(diagram.confidence, *zip(*ends, strict=True), color=shade, linewidth=0.9, alpha=0.7)
        sizes = LEAST_POINT + MOST_POINT * diagram.images / diagram.images.sum()
        upper.scatter(diagram.confidence, diagram.accuracy, s=sizes, color=shade, label=when, marker=marker, zorder=3)
    last = list(diagrams.values())[-1]
    lower.bar(last.confidence, last.images, width=0.6 / judged.bins, color=SERIES[0], linewidth=0)
    upper.set(ylabel="Accuracy", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
    lower.set(xlabel="Confidence", ylabel="Images")
    lower.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=3))
    upper.legend(loc="upper left")


def _reliability_in_words(model: str, calibration: Calibration) -> str:
    before, after = calibration.before.get("ece"), calibration.get("ece")
    if before is None or after is None:
        return f"Accuracy of {model} by confidence on test."
    return (
        f"Accuracy of {model} by confidence on test. The expected calibration error is {before:.3f} before the "
        f"temperature and {after:.3f} after."
    )


def _draw_claims(claims: Claims, figure: Figure) -> None:
    axes: Axes = figure.subplots()
    for row, (model, both) in enumerate(claims.by_model.items()):
        seeds = claims.seeds.get(model, ())
        axes.plot(seeds, [row + 0.13] * len(seeds), "|", color=SERIES[0], markersize=11, markeredgewidth=1.6)
        for block, lift, shade, face in (
            (both.careless, -0.13, SERIES[1], "none"),
            (both.honest, 0.13, SERIES[0], None),
        ):
            value, low, high = (block.get(f"{claims.key}{end}") for end in ("", "_low", "_high"))
            if value is not None and low is not None and high is not None:
                axes.plot([low, high], [row + lift] * 2, color=shade, linewidth=1.4)
                axes.plot([value], [row + lift], "o", color=shade, markerfacecolor=face or shade, markersize=7)
    axes.set_yticks(range(len(claims.by_model)), [*claims.by_model])
    axes.set_ylim(len(claims.by_model) - 0.5, -0.5)
    axes.set_xlabel("Mean AUROC" if claims.key == "auroc" else "Accuracy")
    if claims.key == "accuracy":
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))


def _draw_stress(kind: str, by_model: Mapping[str, Stressed], figure: Figure) -> None:
    axes: Axes = figure.subplots()
    for index, (model, block) in enumerate(by_model.items()):
        levels = [block.clean, *block.degraded[kind]]
        steps, shade = np.arange(len(levels)), SERIES[index % len(SERIES)]
        low, middle, high = (
            [np.nan if level.get(key) is None else level.get(key) for level in levels]
            for key in ("accuracy_low", "accuracy", "accuracy_high")
        )
        axes.fill_between(steps, low, high, color=shade, alpha=0.14, linewidth=0)
        axes.plot(steps, middle, color=shade, label=model, marker="o", markersize=3)
    strengths = [f"{level.strength:g}" for level in next(iter(by_model.values())).degraded[kind]]
    axes.set_xticks(range(len(strengths) + 1), ["clean", *strengths])
    axes.set(xlabel=STRENGTHS.get(kind, "Strength"), ylabel="Accuracy", ylim=(-0.02, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="lower left")
