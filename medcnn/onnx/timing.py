"""Timing engines against each other: calls in turns, percentiles, speed-ups."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

ROUNDS = 5

Engine = Callable[[np.ndarray], np.ndarray]
"""From images float32 (batch, H, W, 3) in NumPy to probabilities (batch, ...) in NumPy."""
Seconds = np.ndarray
"""How long the calls of one engine took, (rounds, calls in a round)."""


@dataclass(frozen=True)
class Latency:
    """One engine at one batch size: percentiles of a call in milliseconds, and images a second over all calls."""

    p50_ms: float
    p90_ms: float
    p99_ms: float
    images_per_second: float


@dataclass(frozen=True)
class Speedup:
    """How many times faster than a baseline an engine is: ratios of median calls, one for each round.

    Attributes:
        median: Of the rounds.
        lowest: In the round that favours the engine least.
        highest: In the round that favours it most.
    """

    median: float
    lowest: float
    highest: float


def in_turns(
    engines: Mapping[str, Engine], batches: Sequence[np.ndarray], warmup: int, calls: int
) -> dict[str, Seconds]:
    """Time ``calls`` calls of every engine in each of ``ROUNDS`` rounds, so that a machine's drift meets all alike.

    A call goes from NumPy to NumPy and takes the next of ``batches``. The first call of a turn is not timed: it finds
    the caches, and the cores, as another engine left them.
    """
    for engine in engines.values():
        for call in range(warmup):
            engine(batches[call % len(batches)])
    rounds = [{name: _turn(engine, batches, calls) for name, engine in engines.items()} for _ in range(ROUNDS)]
    return {name: np.array([turns[name] for turns in rounds]) for name in engines}


def latency(seconds: Seconds, batch_size: int) -> Latency:
    """Summarise the calls of one engine at one batch size."""
    p50, p90, p99 = np.percentile(seconds * 1000, [50, 90, 99])
    return Latency(float(p50), float(p90), float(p99), float(batch_size * seconds.size / seconds.sum()))


def speedup(baseline: Seconds, seconds: Seconds) -> Speedup:
    """How an engine compares with the baseline in the same rounds."""
    ratios = np.median(baseline, axis=1) / np.median(seconds, axis=1)
    return Speedup(float(np.median(ratios)), float(ratios.min()), float(ratios.max()))


def _turn(engine: Engine, batches: Sequence[np.ndarray], calls: int) -> list[float]:
    engine(batches[-1])
    seconds = []
    for call in range(calls):
        batch = batches[call % len(batches)]
        start = time.perf_counter()
        engine(batch)
        seconds.append(time.perf_counter() - start)
    return seconds
