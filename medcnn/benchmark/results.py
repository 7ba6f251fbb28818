"""What a benchmark writes: what was timed and how, and what came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from medcnn.benchmark.machine import Machine
from medcnn.benchmark.subjects import BASELINE
from medcnn.benchmark.timing import Latency, Offline, SingleStream, Speedup
from medcnn.measures.curves import Floats, Integers
from medcnn.measures.statistics import intervals


@dataclass(frozen=True)
class Setup:
    """What is timed and how; the same on every machine, whatever is installed there.

    Attributes:
        model_sha256: Of the ONNX file in float32.
        int8_sha256: Of the one in int8.
        arrays_sha256: Of the timed images, as float32.
        image_size: Side of the images, in pixels.
        threads: Threads inside an operation, for every engine.
        rounds: How often the engines take turns.
        warmup: Calls before the first round.
        calls: Single-stream calls of each engine, at least.
        seconds: The same in seconds.
        offline_seconds: For each batch size, and for calls from a file, at least.
        batch_sizes: Images in a call of the offline scenario.
    """

    model_sha256: str
    int8_sha256: str
    arrays_sha256: str
    image_size: int
    threads: int
    rounds: int
    warmup: int
    calls: int
    seconds: float
    offline_seconds: float
    batch_sizes: tuple[int, ...]


@dataclass(frozen=True)
class Tested:
    """An engine's answers to the whole test set: right how often, and how far from the baseline's."""

    images: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    largest_difference: float


@dataclass(frozen=True)
class Measured:
    """What was measured of one engine.

    Attributes:
        precision: float32, int8, mixed or bfloat16.
        single_stream: One image a call.
        offline: By batch size.
        end_to_end: From a PNG file on disk to its probabilities.
        cold_start_ms: From the start of its process to the first answer, with its files in the system's cache.
        peak_memory_mib: Of its process, over all that is measured here.
        file_bytes: Of all files that it reads the model from.
        test: On the test set.
        speedup: Over the baseline, which has none.
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
    """What came out, and on what.

    Attributes:
        setup: What was timed and how.
        machine: The machine.
        versions: Of every engine's package.
        missing: Engines that have code for this machine, but are not installed.
        failed: Engines that cannot run this model, and why.
        preprocess: From a decoded image to the input array, which is the same for all engines.
        engines: By name, the baseline first.
    """

    setup: Setup
    machine: Machine
    versions: Mapping[str, str]
    missing: tuple[str, ...]
    failed: Mapping[str, str]
    preprocess: Latency
    engines: Mapping[str, Measured]

    def record(self) -> dict[str, Any]:
        """What ``metrics/benchmark/S/M.json`` says."""
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
        answers: The engine's.
        baseline: The baseline's.
        labels: (N,) the true classes.
        groups: The group of each image.
        confidence: Of the interval, such as 0.95.
    """
    right = answers.argmax(axis=1) == labels
    low, high = intervals.proportion(right, groups, confidence)
    return Tested(len(right), float(right.mean()), low, high, float(np.abs(answers - baseline).max()))
