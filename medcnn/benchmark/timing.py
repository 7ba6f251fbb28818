"""Calls timed, and what is said of them: percentiles, spread over rounds, speed-ups."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Rounds = Sequence[Sequence[float]]
"""How long the calls of one engine took, in seconds, by round; rounds may differ in their number of calls."""


@dataclass(frozen=True)
class Span:
    """How long to go on calling: for at least so many calls and at least so many seconds."""

    calls: int
    seconds: float

    def shared(self, rounds: int) -> Span:
        """The part of one of so many rounds."""
        return Span(math.ceil(self.calls / rounds), self.seconds / rounds)


@dataclass(frozen=True)
class Latency:
    """Percentiles of a call in milliseconds, over so many calls."""

    p50_ms: float
    p90_ms: float
    p99_ms: float
    calls: int


@dataclass(frozen=True)
class SingleStream(Latency):
    """One image a call, the next when the answer is there; MLPerf's scenario of that name.

    Attributes:
        seconds: all calls together.
        rounds_p50_ms: The median of each round.
        spread: Between the rounds' largest and smallest median, as a share of their median.
        noisy: Whether the spread is too large to trust the figures.
    """

    seconds: float
    rounds_p50_ms: tuple[float, ...]
    spread: float
    noisy: bool


@dataclass(frozen=True)
class Offline:
    """All images at hand, in batches; MLPerf's scenario of that name."""

    images_per_second: float
    calls: int


@dataclass(frozen=True)
class Speedup:
    """How many times faster than a baseline an engine is: ratios of median calls, one for each round.

    Attributes:
        median: median of the rounds.
        lowest: In the round that favours the engine least.
        highest: In the round that favours it most.
    """

    median: float
    lowest: float
    highest: float


def timed(call: Callable[[int], object], span: Span) -> list[float]:
    """The seconds of each call; ``call`` takes the number of calls before it.

    The first is not timed: it finds the caches, and the cores, as another engine left them.
    """
    call(0)
    taken: list[float] = []
    total = 0.0
    while len(taken) < span.calls or total < span.seconds:
        start = time.perf_counter()
        call(len(taken))
        taken.append(time.perf_counter() - start)
        total += taken[-1]
    return taken


def latency(rounds: Rounds) -> Latency:
    """The percentiles over all calls of all rounds."""
    seconds = np.concatenate(rounds)
    p50, p90, p99 = np.percentile(seconds * 1000, [50, 90, 99])
    return Latency(float(p50), float(p90), float(p99), len(seconds))


def single_stream(rounds: Rounds, noisy: float) -> SingleStream:
    """The calls of one engine; from what ``spread`` on they are noisy."""
    typical = medians(rounds) * 1000
    spread = float((typical.max() - typical.min()) / np.median(typical))
    pooled = latency(rounds)
    return SingleStream(
        p50_ms=pooled.p50_ms,
        p90_ms=pooled.p90_ms,
        p99_ms=pooled.p99_ms,
        calls=pooled.calls,
        seconds=float(np.concatenate(rounds).sum()),
        rounds_p50_ms=tuple(typical.tolist()),
        spread=spread,
        noisy=spread > noisy,
    )


def offline(rounds: Rounds, batch_size: int) -> Offline:
    """The calls of one engine at one batch size."""
    seconds = np.concatenate(rounds)
    return Offline(float(batch_size * len(seconds) / seconds.sum()), len(seconds))


def speedup(baseline: Rounds, rounds: Rounds) -> Speedup:
    """How an engine compares with the baseline in the same rounds."""
    ratios = medians(baseline) / medians(rounds)
    return Speedup(float(np.median(ratios)), float(ratios.min()), float(ratios.max()))


def medians(rounds: Rounds) -> np.ndarray:
    """The median call of each round, in seconds."""
    return np.array([np.median(seconds) for seconds in rounds])
