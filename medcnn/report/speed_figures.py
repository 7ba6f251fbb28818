"""Accuracy against latency, drawn: a mark a model and engine, and the frontier that no other mark beats."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, PercentFormatter

from medcnn.report.drawing import INK, SERIES, Drawing, drawn
from medcnn.report.facts import Facts
from medcnn.report.latency import Timing
from medcnn.report.speeds import ENGINES, Speeds, engine

MARKS = "os^DvP"
LINE, LETTER = 12, 5.6
"""Points between two lines of names, and of an average letter."""

FAR = 300
"""From how many times the shortest time on ticks stand at powers of ten alone."""


@dataclass(frozen=True)
class _Size:
    """A width and height in inches, the columns of the legend, and the letters of a name that there is room for."""

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
        f"{timing.model} on {engine(timing.engine)}, {100 * timing.accuracy:.1f} % in {timing.p50_ms:.2f} ms"
        for timing in frontier
    )
    return f"Accuracy on test over latency of one image. The frontier, from the fastest on: {steps}."


def _draw(figure: Figure, speeds: Speeds, size: _Size) -> None:
    axes: Axes = figure.subplots()
    for index, name in enumerate(dict.fromkeys((*ENGINES, *(timing.engine for timing in speeds.every)))):
        of_engine = [timing for timing in speeds.every if timing.engine == name]
        if of_engine:
            _marks(axes, of_engine, SERIES[index % len(SERIES)], MARKS[index % len(MARKS)])
    _frontier(axes, speeds.frontier)
    _scales(axes, speeds.every)
    _names(axes, speeds.frontier, size)
    figure.legend(loc="outside upper left", ncols=size.columns, handletextpad=0.2, columnspacing=1.2, borderaxespad=0)


def _marks(axes: Axes, timings: Sequence[Timing], shade: str, mark: str) -> None:
    for timing in timings:
        test, at = timing.block.test, timing.p50_ms
        ends = [math.nan if end is None else end for end in (test.accuracy_low, test.accuracy_high)]
        axes.plot([at, at], ends, color=shade, alpha=0.22, linewidth=0.9)
        fill = "none" if timing.noisy else shade
        axes.plot(at, timing.accuracy, mark, markerfacecolor=fill, markeredgecolor=shade, markersize=5, zorder=3)
    axes.plot([], [], mark, color=shade, markersize=5, label=engine(timings[0].engine))


def _frontier(axes: Axes, frontier: Sequence[Timing]) -> None:
    times, accuracies = zip(*((timing.p50_ms, timing.accuracy) for timing in frontier), strict=True)
    axes.step(times, accuracies, where="post", color=INK, linewidth=1.1, zorder=2)


def _scales(axes: Axes, timings: Sequence[Timing]) -> None:
    axes.set_xscale("log")
    times = [timing.p50_ms for timing in timings]
    start, end = min(times) / 1.25, max(times) * 1.25
    axes.set_xlim(start, end)
    steps = (1, 2, 5) if end / start < FAR else (1,)
    ticks = [tick for tick in LogLocator(subs=steps).tick_values(start, end) if start <= tick <= end]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlabel="Median latency of one image, ms", ylabel="Accuracy on test")


def _names(axes: Axes, frontier: Sequence[Timing], size: _Size) -> None:
    """The frontier's models, each above and left of its last mark, where no mark can be, and above the name before."""
    wide, high = (72 * inches * 0.8 for inches in size.inches)
    low, top = axes.get_ylim()
    free = float("-inf")
    last_marks = {timing.model: timing for timing in frontier}
    for timing in sorted(last_marks.values(), key=lambda timing: timing.p50_ms):
        name = timing.model if len(timing.model) <= size.letters else f"{timing.model[: size.letters - 1]}…"
        _room_for(axes, timing.p50_ms, (len(name) + 1) * LETTER / wide)
        height = high * (timing.accuracy - low) / (top - low)
        lift = max(4.0, free - height)
        free = height + lift + LINE
        at = (timing.p50_ms, timing.accuracy)
        text = axes.annotate(name, at, (-5, lift), textcoords="offset points", ha="right", fontsize=8.5)
        text.set_fontweight("bold")


def _room_for(axes: Axes, at: float, share: float) -> None:
    """Begin the axis so far left that this share of it lies left of a time."""
    start, end = axes.get_xlim()
    axes.set_xlim(min(start, (at / end**share) ** (1 / (1 - share))), end)
