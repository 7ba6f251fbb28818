"""Accuracy against latency, drawn: a mark per model and engine, and the frontier that no other mark beats."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, PercentFormatter
from matplotlib.transforms import Bbox

from medcnn.report import pairs
from medcnn.report.drawing import INK, MUTED, SERIES, Drawing, drawn
from medcnn.report.facts import Facts
from medcnn.report.latency import Timing
from medcnn.report.speeds import ENGINES, Speeds, engine

MARKS = "os^DvP"
AWAY, MARK = 5, 3
"""Points between a mark and its name, and half of the size of a mark."""
SIDES = tuple(
    ((across * far, up * far), ("right", "center", "left")[across + 1], ("top", "center", "bottom")[up + 1])
    for far in (AWAY, 3 * AWAY)
    for across, up in ((-1, 1), (0, 1), (1, 1), (1, 0), (-1, 0), (1, -1), (0, -1), (-1, -1))
)
"""Where a name may stand beside its mark, the best first: how far in points, and how it is aligned there."""
FAR = 300
"""From how many times the shortest time on ticks stand at powers of ten alone."""


@dataclass(frozen=True)
class _Size:
    """A width and height in inches, the columns of the legend, and the most letters of a name."""

    suffix: str
    inches: tuple[float, float]
    columns: int
    letters: int


SIZES = (_Size("", (7.0, 4.1), 6, 40), _Size("_narrow", (3.5, 4.4), 2, 20))
"""On a screen, and on a phone, where the letters of the wide one could not be read."""


def latencies(facts: Facts) -> Iterator[Drawing]:
    """Accuracy on test over the median latency of a single image, the same figure wide and narrow."""
    speeds = Speeds(facts)
    if speeds.frontier:
        words = _in_words(speeds.frontier)
        for size in SIZES:
            svg = drawn(size.inches, partial(_draw, speeds=speeds, size=size))
            yield Drawing(f"latency_frontier{size.suffix}", facts.name, svg, words)


def _in_words(frontier: Sequence[Timing]) -> str:
    steps = "; ".join(
        f"{timing.model} on {engine(timing.engine)}, {100 * timing.accuracy:.1f} % in {timing.typical_ms:.2f} ms"
        for timing in frontier
    )
    return f"Accuracy on test over latency of one image. The frontier, from the fastest on: {steps}."


def _draw(figure: Figure, speeds: Speeds, size: _Size) -> None:
    axes: Axes = figure.subplots()
    for index, name in enumerate(dict.fromkeys((*ENGINES, *(timing.engine for timing in speeds.every)))):
        of_engine = [timing for timing in speeds.every if timing.engine == name]
        if of_engine:
            _marks(axes, of_engine, SERIES[index % len(SERIES)], MARKS[index % len(MARKS)])
    _chosen(axes, [timing for timing in speeds.every if timing.model == speeds.facts.best])
    _frontier(axes, speeds)
    _scales(axes, speeds.every)
    figure.legend(loc="outside upper left", ncols=size.columns, handletextpad=0.2, columnspacing=1.2, borderaxespad=0)
    # Where names are free is known once the layout is.
    figure.draw_without_rendering()
    _names(axes, speeds, size)


def _marks(axes: Axes, timings: Sequence[Timing], shade: str, mark: str) -> None:
    for timing in timings:
        test, at = timing.block.test, timing.typical_ms
        ends = [math.nan if end is None else end for end in (test.accuracy_low, test.accuracy_high)]
        axes.plot([at, at], ends, color=shade, alpha=0.22, linewidth=0.9)
        fill = "none" if timing.noisy else shade
        axes.plot(at, timing.accuracy, mark, markerfacecolor=fill, markeredgecolor=shade, markersize=5, zorder=3)
    axes.plot([], [], mark, color=shade, markersize=5, label=engine(timings[0].engine))


def _chosen(axes: Axes, timings: Sequence[Timing]) -> None:
    for index, timing in enumerate(timings):
        label = None if index else "chosen model"
        axes.plot(
            timing.typical_ms,
            timing.accuracy,
            "o",
            color=INK,
            markersize=10,
            markerfacecolor="none",
            label=label,
            zorder=4,
        )


def _frontier(axes: Axes, speeds: Speeds) -> None:
    """A solid step where a paired test finds the two models different, a dashed one where it could be chance."""
    for timing, later in pairwise(speeds.frontier):
        known = timing.model == later.model or pairs.apart(speeds.facts, later.model, timing.model, "accuracy")
        axes.step(
            (timing.typical_ms, later.typical_ms),
            (timing.accuracy, later.accuracy),
            where="post",
            color=INK,
            linewidth=1.1,
            linestyle="-" if known else (0, (3, 2)),
            zorder=2,
        )


def _scales(axes: Axes, timings: Sequence[Timing]) -> None:
    axes.set_xscale("log")
    times = [timing.typical_ms for timing in timings]
    start, end = min(times) / 1.25, max(times) * 1.25
    axes.set_xlim(start, end)
    steps = (1, 2, 5) if end / start < FAR else (1,)
    ticks = [tick for tick in LogLocator(subs=steps).tick_values(start, end) if start <= tick <= end]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    accuracies = [timing.accuracy for timing in timings]
    margin = max(0.15 * (max(accuracies) - min(accuracies)), 0.02)
    axes.set_ylim(min(accuracies) - margin, min(max(accuracies) + margin, 1.01))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=7, steps=(1, 2, 5, 10)))
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel="Latency of one image, ms", ylabel="Accuracy on test")


def _names(axes: Axes, speeds: Speeds, size: _Size) -> None:
    """Each model beside its fastest mark: first the chosen one, then the frontier, then the others where it is free."""
    fastest = {timing.model: timing for timing in sorted(speeds.every, key=lambda timing: -timing.typical_ms)}
    first = dict.fromkeys((speeds.facts.best, *(timing.model for timing in speeds.frontier)))
    taken = [_around(axes, timing) for timing in speeds.every]
    for model in dict.fromkeys((*first, *fastest)):
        if model in fastest:
            name = model if len(model) <= size.letters else f"{model[: size.letters - 1]}…"
            _name(axes, fastest[model], name, taken, bold=model in first)


def _name(axes: Axes, timing: Timing, name: str, taken: list[Bbox], bold: bool) -> None:
    """Write a name where nothing is yet, and note that place as taken; where there is none, leave it out."""
    for shift, across, up in SIDES:
        text = axes.annotate(
            name,
            (timing.typical_ms, timing.accuracy),
            shift,
            textcoords="offset points",
            ha=across,
            va=up,
            fontsize=8 if bold else 7,
            color=INK if bold else MUTED,
            fontweight="bold" if bold else "normal",
            zorder=5,
        )
        box = text.get_window_extent()
        if axes.bbox.count_contains(box.corners()) == len(box.corners()) and not box.count_overlaps(taken):
            taken.append(box)
            return
        text.remove()


def _around(axes: Axes, timing: Timing) -> Bbox:
    x, y = axes.transData.transform((timing.typical_ms, timing.accuracy))
    return Bbox.from_extents(x - MARK, y - MARK, x + MARK, y + MARK)
