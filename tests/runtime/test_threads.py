from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from medcnn.runtime.threads import in_order


def test_results_come_in_order_however_long_each_takes() -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    for threads in (1, 2, 5):
        assert list(in_order(slow_first, range(20), threads)) == [number * number for number in range(20)]


def test_only_a_few_items_are_taken_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = in_order(str, items(), 3)
    assert next(results) == "0"
    assert len(taken) < 10
    results.close()
    assert len(taken) < 10


def test_a_fault_comes_in_the_place_of_its_result() -> None:
    def failing(number: int) -> int:
        if number == 3:
            raise OSError("disk gone")
        return number

    results = in_order(failing, range(6), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(OSError, match="disk gone"):
        next(results)
