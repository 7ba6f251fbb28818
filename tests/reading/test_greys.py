from __future__ import annotations

import numpy as np
import pytest

from medcnn.reading.greys import Scaling, limits, sample, scaled

ANATOMY = np.random.default_rng(0).integers(0, 4096, (64, 64)).astype(np.float64)


def window(values: np.ndarray, **how: object) -> tuple[float, float]:
    return limits(Scaling(**how), values)


@pytest.mark.parametrize("marks", [(65535,), (-9999,), (-32768, 32767), (np.nan, np.inf, -np.inf), (-3.4e38,), (1e20,)])
def test_marks_and_borders_far_from_the_picture_change_no_window(marks: tuple[float, ...]) -> None:
    values = ANATOMY.copy()
    for row, mark in enumerate(marks):
        values[row * 8 : row * 8 + 8] = mark
    assert window(values) == pytest.approx(window(ANATOMY[len(marks) * 8 :]))


def test_a_border_larger_than_the_picture_is_still_a_border() -> None:
    values = ANATOMY.copy()
    values[20:] = -2000 * 16
    assert window(values) == pytest.approx(window(ANATOMY[:20]))


def test_percentiles_are_those_of_the_values() -> None:
    assert window(ANATOMY, scale="percentiles", low=10, high=80) == pytest.approx(np.percentile(ANATOMY, (10, 80)))


def test_an_image_of_few_levels_keeps_them_all() -> None:
    values = np.repeat([0, 10, 11, 255], 100).reshape(20, 20)
    assert window(values) == (0, 255)
    assert window(np.where(np.arange(400) == 7, 9, 0).reshape(20, 20)) == (0, 9)


def test_nothing_finite_and_nothing_but_one_value() -> None:
    nothing, flat = np.full((4, 4), np.nan), np.full((4, 4), 7.0)
    assert not scaled(nothing, window(nothing)).any()
    assert np.unique(scaled(flat, window(flat))).size == 1


def test_what_the_file_states_counts_for_auto_alone() -> None:
    assert limits(Scaling(), ANATOMY, (1, 2)) == (1, 2)
    assert limits(Scaling("percentiles"), ANATOMY, (1, 2)) != (1, 2)
    assert limits(Scaling("values", -1000, 400), ANATOMY, (1, 2)) == (-1000, 400)


def test_a_sample_of_a_large_image_has_its_window() -> None:
    values = np.random.default_rng(1).normal(1000, 100, (3000, 2000))
    assert sample(values).size < 300_000
    assert window(sample(values)) == pytest.approx(np.percentile(values, (0.5, 99.5)), abs=5)


def test_values_become_greys_or_their_negative() -> None:
    values = np.array([[-5, 0, 50, 100, 101]], np.int16)
    assert scaled(values, (0, 100)).tolist() == [[0, 0, 128, 255, 255]]
    assert scaled(values, (0, 100), inverted=True).tolist() == [[255, 255, 128, 0, 0]]


def test_many_values_are_scaled_as_few_are() -> None:
    values = np.random.default_rng(0).integers(0, 65536, (300, 400)).astype(np.uint16)
    few = np.stack([scaled(row, (1000, 50_000)) for row in values])
    assert (scaled(values, (1000, 50_000)) == few).all()
