"""What the section on latency says: who answers first, who is beaten by nobody, and on which machine."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from medcnn.report import latency, pairs
from medcnn.report.facts import Facts
from medcnn.report.latency import Timing
from medcnn.results.timings import Timed

ENGINES = {
    "tensorflow": "TensorFlow",
    "onnxruntime": "ONNX Runtime",
    "onnxruntime_int8": "ONNX Runtime int8",
    "openvino": "OpenVINO",
    "openvino_bfloat16": "OpenVINO bfloat16",
    "litert": "LiteRT",
}
"""The engines as the page calls them, in the order of its legend."""


@dataclass(frozen=True)
class Options:
    """What models were timed on; timings of different settings must not be compared.

    Attributes:
        models: names.
        timed: the timings of one of them, whose machine, threads and versions are those of all.
    """

    models: tuple[str, ...]
    timed: Timed


@dataclass(frozen=True)
class Speeds:
    """The timings of a study."""

    facts: Facts

    @cached_property
    def every(self) -> tuple[Timing, ...]:
        """All timings, the chosen model's first."""
        timed = self.facts.timed
        return latency.timings(
            {model: timed[model] for model in self.facts.best_first if model in timed}, self.facts.passed_on
        )

    @cached_property
    def frontier(self) -> tuple[Timing, ...]:
        """Those that no other timing beats, from the fastest to the most accurate."""
        return latency.frontier(self.every)

    @property
    def first(self) -> tuple[Timing, ...]:
        """What the page shows before all others: the chosen model's, then the rest of the frontier."""
        chosen = tuple(timing for timing in self.every if timing.model == self.facts.best)
        return (*chosen, *(timing for timing in self.frontier if timing not in chosen))

    @property
    def chosen(self) -> Timing | None:
        """The fastest engine of the chosen model; None if it was not timed."""
        return next((timing for timing in self.every if timing.model == self.facts.best), None)

    @property
    def fastest(self) -> Timing | None:
        """The fastest of the models that no test finds worse than the chosen one; None if none was timed."""
        candidates = (timing for timing in self.every if not worse(self.facts, timing.model))
        return min(candidates, key=lambda timing: timing.typical_ms, default=None)

    @property
    def batch_sizes(self) -> tuple[str, ...]:
        """The batches of the offline scenario, the smallest first."""
        return tuple(sorted({size for timing in self.every for size in timing.block.offline}, key=int))

    @property
    def missing(self) -> tuple[str, ...]:
        """The engines that were not installed where a model was timed."""
        return tuple(dict.fromkeys(engine for block in self.facts.timed.values() for engine in block.missing))

    @property
    def failed(self) -> dict[tuple[str, str], list[str]]:
        """The models that an engine cannot run, by the engine and what it said."""
        found: dict[tuple[str, str], list[str]] = {}
        for model, block in self.facts.timed.items():
            for failure in block.failed.items():
                found.setdefault(failure, []).append(model)
        return found

    @property
    def settings(self) -> tuple[Options, ...]:
        """What was timed on which machine, with which threads and versions: one, unless some were timed elsewhere."""
        models: dict[str, list[str]] = {}
        for model, timed in self.facts.timed.items():
            where = timed.model_dump_json(include={"machine", "threads", "versions"})
            models.setdefault(where, []).append(model)
        return tuple(Options(tuple(names), self.facts.timed[names[0]]) for names in models.values())


def worse(facts: Facts, model: str) -> bool:
    """Whether a test finds this model worse than the chosen one in any of the tested figures.

    What other seeds might undo counts here: it is this file that would be used.
    """
    if model == facts.best:
        return False
    if model in facts.like_best:
        return model not in facts.as_good
    return any(pairs.better(facts, facts.best, model, figure) for figure in facts.differing(model))


def engine(name: str) -> str:
    """An engine as the page calls it."""
    return ENGINES.get(name, name)
