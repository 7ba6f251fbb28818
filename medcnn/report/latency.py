"""Timings side by side, those that no other beats, and the table behind the plot: no DVC out, for they differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medcnn.core import files
from medcnn.results.timings import Engine, Timed
from medcnn.runtime import paths

COLUMNS = (
    "study", "model", "engine", "precision", "p50_ms", "p90_ms", "p99_ms", "mean_ms", "accuracy", "accuracy_low",
    "accuracy_high", "speedup", "batch_size", "images_per_second", "cold_start_ms", "peak_memory_mib", "file_bytes",
    "noisy", "frontier",
)  # fmt: skip
"""``images_per_second`` is that of the largest batch, ``batch_size``."""


@dataclass(frozen=True)
class Timing:
    """One engine that runs one model.

    Attributes:
        model: its name.
        engine: its name.
        block: its timings.
        passed_on: of a cascade, the share of test images that its second model answers.
    """

    model: str
    engine: str
    block: Engine
    passed_on: float | None = None

    @property
    def p50_ms(self) -> float:
        """The median of single-stream calls, in milliseconds."""
        return self.block.single_stream.p50_ms

    @property
    def mean_ms(self) -> float:
        """The mean of the same calls."""
        stream = self.block.single_stream
        return 1000 * stream.seconds / stream.calls

    @property
    def typical_ms(self) -> float:
        """What an image takes: the median, of a cascade the mean, as its median call is answered by one model alone."""
        return self.p50_ms if self.passed_on is None else self.mean_ms

    @property
    def accuracy(self) -> float:
        """Of this engine's own answers on test; NaN without test images."""
        accuracy = self.block.test.accuracy
        return math.nan if accuracy is None else accuracy

    @property
    def noisy(self) -> bool:
        """Whether its rounds disagree."""
        return self.block.single_stream.noisy


def timings(timed: Mapping[str, Timed], passed_on: Mapping[str, float]) -> tuple[Timing, ...]:
    """Every engine of every model, models in the order given, each one's engines from the fastest to the slowest.

    Args:
        timed: timings by model.
        passed_on: by cascade, see ``Timing``.
    """
    return tuple(
        timing
        for model, found in timed.items()
        for timing in sorted(
            (Timing(model, engine, block, passed_on.get(model)) for engine, block in found.engines.items()),
            key=lambda timing: (timing.typical_ms, timing.engine),
        )
    )


def frontier(timings: Sequence[Timing]) -> tuple[Timing, ...]:
    """The Pareto frontier from the fastest on: each is more accurate than everything that is as fast or faster."""
    found: list[Timing] = []
    for timing in sorted(timings, key=lambda timing: (timing.typical_ms, -timing.accuracy)):
        if not found or timing.accuracy > found[-1].accuracy:
            found.append(timing)
    return tuple(found)


def write(study: str, timed: Mapping[str, Timed], passed_on: Mapping[str, float]) -> None:
    """Write one row per model and engine; without timings there is no table.

    Args:
        study: its name.
        timed: timings by model.
        passed_on: by cascade, see ``Timing``.
    """
    path = paths.plots("benchmark", study) / "latency.csv"
    if timed:
        files.write_csv(path, COLUMNS, _rows(study, timings(timed, passed_on)))
    else:
        path.unlink(missing_ok=True)


def _rows(study: str, every: Sequence[Timing]) -> Iterator[tuple[Any, ...]]:
    best = frontier(every)
    for timing in every:
        block, stream, test = timing.block, timing.block.single_stream, timing.block.test
        size = max(block.offline, key=int)
        yield (
            study, timing.model, timing.engine, block.precision,
            stream.p50_ms, stream.p90_ms, stream.p99_ms, timing.mean_ms,
            test.accuracy, test.accuracy_low, test.accuracy_high,
            block.speedup and block.speedup.median, size, block.offline[size].images_per_second,
            block.cold_start_ms, block.peak_memory_mib, block.file_bytes,
            _yes(timing.noisy), _yes(timing in best),
        )  # fmt: skip


def _yes(value: bool) -> str:
    return "yes" if value else "no"
