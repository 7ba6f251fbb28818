"""``metrics/benchmark/S/M.json``: timings, the one kind of result that differs from run to run."""

from __future__ import annotations

from medcnn.results.base import Record
from medcnn.results.networks import Accuracy


class Latency(Record):
    """Percentiles of the duration of a call, in milliseconds."""

    p50_ms: float
    p90_ms: float
    p99_ms: float
    calls: int


class SingleStream(Latency):
    """One image a call; ``spread`` is between the rounds' medians, as a share of their median."""

    seconds: float
    rounds_p50_ms: tuple[float, ...]
    spread: float
    noisy: bool


class Offline(Record):
    """Whole batches."""

    images_per_second: float
    calls: int


class Speedup(Record):
    """How many times as fast as the baseline, over the rounds."""

    median: float
    lowest: float
    highest: float


class Tested(Accuracy):
    """An engine's answers on test; ``largest_difference`` is of any probability to the baseline's."""

    images: int
    largest_difference: float


class Engine(Record):
    """One engine; ``offline`` is by batch size, and the baseline has no speed-up."""

    precision: str
    single_stream: SingleStream
    offline: dict[str, Offline]
    end_to_end: Latency
    cold_start_ms: float
    peak_memory_mib: float
    file_bytes: int
    test: Tested
    speedup: Speedup | None = None


class Machine(Record):
    """Where it was timed."""

    architecture: str
    cores: int
    cpu: str
    instruction_sets: tuple[str, ...]
    system: str


class Timed(Record):
    """The timings of one model.

    Attributes:
        missing: engines that were not installed.
        failed: why an engine cannot run this model, by engine.
        preprocess: from a decoded image to the input of every engine.
        engines: by name.
    """

    model_sha256: str
    int8_sha256: str
    arrays_sha256: str
    image_size: int
    threads: int
    machine: Machine
    versions: dict[str, str]
    missing: tuple[str, ...]
    failed: dict[str, str]
    preprocess: Latency
    engines: dict[str, Engine]
