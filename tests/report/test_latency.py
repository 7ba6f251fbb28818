"""Timings side by side, the frontier among them, and the table behind the plot."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medcnn.report import latency
from medcnn.report.latency import Timing
from medcnn.results.timings import Engine, Timed
from medcnn.runtime import paths
from tests.results.examples import engine, timed


def timing(name: str, p50_ms: float, accuracy: float) -> Timing:
    return Timing(name, "tensorflow", Engine.model_validate(engine(p50_ms, accuracy)))


def names(timings: tuple[Timing, ...]) -> list[str]:
    return [timing.model for timing in timings]


def test_models_stay_in_order_and_their_engines_go_from_fast_to_slow():
    found = {"b": timed(tensorflow=engine(9, 0.9), onnxruntime=engine(3, 0.9)), "a": timed()}
    models = {name: Timed.model_validate(block) for name, block in found.items()}
    assert [(timing.model, timing.engine) for timing in latency.timings(models, {})] == [
        ("b", "onnxruntime"),
        ("b", "tensorflow"),
    ]


def test_the_frontier_is_what_nothing_beats():
    every = [timing("slow", 8, 0.9), timing("fast", 1, 0.7), timing("beaten", 3, 0.7), timing("between", 2, 0.8)]
    assert names(latency.frontier(every)) == ["fast", "between", "slow"]


def test_a_cascade_is_ranked_by_its_mean_as_its_median_is_of_one_model_alone():
    stream = engine(1, 0.9)["single_stream"] | {"seconds": 0.4, "calls": 100}
    cascade = Timing("cascade", "tensorflow", Engine.model_validate(engine(1, 0.9, single_stream=stream)), 0.3)
    assert (cascade.typical_ms, replace(cascade, passed_on=None).typical_ms) == (4, 1)
    every = [cascade, timing("slower", 2, 0.8)]
    assert names(latency.frontier(every)) == ["slower", "cascade"]


def test_of_equally_fast_ones_the_more_accurate_is_on_the_frontier_and_of_equal_ones_one():
    every = [timing("less", 1, 0.7), timing("more", 1, 0.8), timing("same", 1, 0.8)]
    assert names(latency.frontier(every)) == ["more"]


@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 1)), min_size=1, max_size=30))
def test_everything_off_the_frontier_is_beaten_by_something_on_it(points: list[tuple[float, float]]):
    every = [timing(str(index), *point) for index, point in enumerate(points)]
    best = [(found.p50_ms, found.accuracy) for found in latency.frontier(every)]
    assert best == sorted(set(best)) and sorted(best, key=lambda point: point[1]) == best
    for p50_ms, accuracy in points:
        assert any(fast <= p50_ms and right >= accuracy for fast, right in best)


def test_the_table_marks_the_frontier_and_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    path = paths.plots("benchmark", "s") / "latency.csv"
    int8 = engine(2, 0.9, noisy=True, speedup={"median": 4.5, "lowest": 4.0, "highest": 5.0})
    latency.write("s", {"a": Timed.model_validate(timed(tensorflow=engine(9, 0.9), onnxruntime_int8=int8))}, {})
    first, second = csv.DictReader(path.read_text().splitlines())
    assert (first["engine"], first["noisy"], first["frontier"]) == ("onnxruntime_int8", "yes", "yes")
    assert (second["engine"], second["noisy"], second["frontier"]) == ("tensorflow", "no", "no")
    assert (first["speedup"], second["speedup"]) == ("4.5", "")
    assert (first["batch_size"], first["images_per_second"]) == ("32", "320.0")
    latency.write("s", {}, {})
    assert not path.exists()
