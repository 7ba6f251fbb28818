from __future__ import annotations

import time

import numpy as np
import pytest

from medcnn.onnx.timing import ROUNDS, in_turns, latency, speedup


def test_latency_is_in_milliseconds_and_throughput_counts_every_image() -> None:
    seconds = np.linspace(0.001, 0.101, 101).reshape(1, -1)
    summary = latency(seconds, batch_size=32)
    assert (summary.p50_ms, summary.p90_ms, summary.p99_ms) == pytest.approx((51, 91, 100))
    assert summary.images_per_second == pytest.approx(32 / 0.051)


def test_a_speedup_comes_with_its_spread_over_rounds() -> None:
    baseline = np.array([[4.0, 4, 99], [8, 8, 8], [6, 6, 6]])
    engine = np.array([[2.0, 2, 2], [2, 2, 50], [2, 2, 2]])
    ratio = speedup(baseline, engine)
    assert (ratio.lowest, ratio.median, ratio.highest) == (2, 3, 4)


def test_a_slowdown_of_the_machine_meets_all_engines_alike() -> None:
    slow_rounds = np.array([1.0, 1, 5, 5, 5])[:, None] * np.ones((ROUNDS, 4))
    assert speedup(slow_rounds * 0.02, slow_rounds * 0.01).median == pytest.approx(2)


def test_engines_take_turns_over_all_batches() -> None:
    seen: list[tuple[str, int]] = []

    def engine(name: str):
        def call(batch: np.ndarray) -> np.ndarray:
            seen.append((name, int(batch[0])))
            return batch

        return call

    batches = [np.array([number]) for number in range(3)]
    timed = in_turns({"one": engine("one"), "other": engine("other")}, batches, warmup=2, calls=4)
    assert timed["one"].shape == timed["other"].shape == (ROUNDS, 4)
    warm, rounds = seen[:4], seen[4:]
    assert warm == [("one", 0), ("one", 1), ("other", 0), ("other", 1)]
    # In every turn one call that is not timed, then the batches in order.
    turn = [2, 0, 1, 2, 0]
    assert rounds == ([("one", batch) for batch in turn] + [("other", batch) for batch in turn]) * ROUNDS


def test_what_is_timed_is_the_call() -> None:
    def sleeps(batch: np.ndarray) -> np.ndarray:
        time.sleep(0.004)
        return batch

    timed = in_turns({"sleeps": sleeps, "answers": lambda batch: batch}, [np.zeros(1)], warmup=0, calls=2)
    assert timed["sleeps"].min() >= 0.004
    assert np.median(timed["answers"]) < 0.001
