from __future__ import annotations

import time

import numpy as np
import pytest

from medcnn.benchmark.timing import Span, latency, offline, single_stream, speedup, timed


def test_percentiles_are_in_milliseconds_over_the_calls_of_all_rounds() -> None:
    rounds = [np.linspace(0.001, 0.050, 50), np.linspace(0.051, 0.101, 51)]
    summary = latency(rounds)
    assert (summary.p50_ms, summary.p90_ms, summary.p99_ms) == pytest.approx((51, 91, 100))
    assert summary.calls == 101


def test_throughput_counts_every_image() -> None:
    measured = offline([[0.1, 0.3], [0.2]], batch_size=32)
    assert measured.images_per_second == pytest.approx(3 * 32 / 0.6)
    assert measured.calls == 3


@pytest.mark.parametrize(("slowest", "noisy"), [(1.19, False), (1.21, True)])
def test_rounds_that_disagree_are_marked(slowest: float, noisy: bool) -> None:
    rounds = [[0.01 * factor] * 3 for factor in (1, 1, 1, slowest)]
    summary = single_stream(rounds, noisy=0.2)
    assert summary.spread == pytest.approx(slowest - 1)
    assert summary.noisy is noisy
    assert summary.rounds_p50_ms == pytest.approx((10, 10, 10, 10 * slowest))
    assert summary.seconds == pytest.approx(sum(map(sum, rounds)))


def test_a_speedup_comes_with_its_spread_over_rounds() -> None:
    baseline = [[4.0, 4, 99], [8, 8, 8], [6, 6, 6]]
    engine = [[2.0, 2, 2], [2, 2, 50], [2, 2]]
    ratio = speedup(baseline, engine)
    assert (ratio.lowest, ratio.median, ratio.highest) == (2, 3, 4)


def test_a_slowdown_of_the_machine_meets_all_engines_alike() -> None:
    slow_rounds = [[factor] * 4 for factor in (1.0, 1, 5, 5, 5)]
    ratio = speedup([[2 * value for value in values] for values in slow_rounds], slow_rounds)
    assert (ratio.lowest, ratio.median, ratio.highest) == (2, 2, 2)


def test_the_first_call_is_not_timed_and_all_others_are() -> None:
    seen: list[int] = []

    def call(number: int) -> None:
        time.sleep(0.05 if not seen else 0.002)
        seen.append(number)

    taken = timed(call, Span(calls=4, seconds=0))
    assert seen == [0, 0, 1, 2, 3]
    assert len(taken) == 4
    assert 0.002 <= min(taken) < 0.05


def test_calls_go_on_until_both_their_number_and_their_time_are_reached() -> None:
    assert len(timed(lambda number: None, Span(calls=7, seconds=0))) == 7
    assert sum(timed(lambda number: time.sleep(0.001), Span(calls=1, seconds=0.02))) >= 0.02


def test_rounds_share_calls_and_seconds_and_no_call_is_lost() -> None:
    assert Span(calls=101, seconds=5).shared(5) == Span(calls=21, seconds=1)
