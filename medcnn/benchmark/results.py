"""The results of a benchmark, as they are written: what was timed, how, and the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from medcnn.benchmark.job import BASELINE
from medcnn.benchmark.machine import Machine
from medcnn.benchmark.timing import Latency, Offline, SingleStream, Speedup
from medcnn.core.arrays import Floats, Integers
from medcnn.measures import metrics
from medcnn.measures.statistics import intervals


@dataclass(frozen=True)
class Setup:
    """What is timed and how; the same on every machine, whatever is installed there.

    Attributes:
        model_sha256: hash of the ONNX file in float32.
        int8_sha256: hash of the ONNX file in int8.
        arrays_sha256: hash of the timed images, as float32.
        image_size: side of the images, in pixels.
        threads: threads inside an operation, for every engine.
        rounds: how often the engines take turns, at most.
        precision: how well speed-ups must be known to end the rounds before.
        warmup: calls before the first round.
        calls: least number of single-stream calls of each engine in all rounds.
        seconds: least time that these calls take together in all rounds.
        offline_seconds: the same for each batch size, and for calls from a file.
        batch_sizes: images in a call of the offline scenario.
    """

    model_sha256: str
    int8_sha256: str
    arrays_sha256: str
    image_size: int
    threads: int
    rounds: int
    precision: float
    warmup: int
    calls: int
    seconds: float
    offline_seconds: float
    batch_sizes: tuple[int, ...]


@dataclass(frozen=True)
class Tested:
    """An engine on the whole test set: its accuracy, and how far its probabilities are from the baseline's."""

    images: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    largest_difference: float


@dataclass(frozen=True)
class Measured:
    """The figures of one engine.

    Attributes:
        precision: float32, int8, mixed or bfloat16.
        single_stream: one image per call.
        offline: batches, by their size.
        end_to_end: from a PNG file on disk to its probabilities.
        cold_start_ms: from the start of its process to the first answer, with its files in the system's cache.
        peak_memory_mib: largest memory of its process in the whole benchmark.
        file_bytes: size of all files that the model is read from.
        test: its answers on the test set.
        speedup: how much faster than the baseline it is; None for the baseline.
    """

    precision: str
    single_stream: SingleStream
    offline: Mapping[int, Offline]
    end_to_end: Latency
    cold_start_ms: float
    peak_memory_mib: float
    file_bytes: int
    test: Tested
    speedup: Speedup | None


@dataclass(frozen=True)
class Results:
    """The figures of all engines, and where they come from.

    Attributes:
        setup: what was timed and how.
        machine: where.
        versions: version of every engine's package.
        missing: engines that could run on this machine, but are not installed.
        failed: engines that cannot run this model, and why.
        preprocess: from a decoded image to the input array, which is the same for all engines.
        engines: figures by engine, the baseline first.
    """

    setup: Setup
    machine: Machine
    versions: Mapping[str, str]
    missing: tuple[str, ...]
    failed: Mapping[str, str]
    preprocess: Latency
    engines: Mapping[str, Measured]

    def record(self) -> dict[str, Any]:
        """The content of ``metrics/benchmark/S/M.json``."""
        block = asdict(self)
        setup = block.pop("setup")
        named = ("model_sha256", "int8_sha256", "arrays_sha256", "image_size", "threads")
        del block["engines"][BASELINE]["speedup"]
        return {name: setup[name] for name in named} | block

    def summary(self) -> str:
        """One line for the terminal: each engine's median call, and how much faster than the baseline it is."""
        parts = []
        for name, engine in self.engines.items():
            ratio = f" ({engine.speedup.median:.1f}x)" if engine.speedup else ""
            noisy = ", noisy" if engine.single_stream.noisy else ""
            parts.append(f"{name} {engine.single_stream.p50_ms:.2f} ms{ratio}{noisy}")
        parts += [f"{name} failed" for name in self.failed]
        return "; ".join(parts)


def tested(answers: Floats, baseline: Floats, labels: Integers, groups: tuple[str, ...], confidence: float) -> Tested:
    """Judge the probabilities (N, C) of an engine for the test set.

    Args:
        answers: the engine's.
        baseline: those of the baseline.
        labels: (N,) indices of the true classes.
        groups: the group of each image.
        confidence: level of the interval, such as 0.95.
    """
    right = metrics.right(labels, answers)
    low, high = intervals.proportion(right, groups, confidence)
    return Tested(len(right), float(right.mean()), low, high, float(np.abs(answers - baseline).max()))
