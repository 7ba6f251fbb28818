from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from medcnn.measures.statistics import bootstrap
from medcnn.measures.statistics.bootstrap import Resamples

SPAN = (0.0, 16.2)
SIZES = np.array([1.0, 2, 3, 4, 5] * 6)

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def totals() -> np.ndarray:
    """Sums over the images of 30 patients, of skewed losses and of symmetric differences."""
    random = np.random.default_rng(0)
    return np.stack([random.lognormal(size=30) * SIZES, (0.3 + random.normal(size=30)) * SIZES], axis=1)


@pytest.fixture(scope="module")
def resamples() -> Resamples:
    return Resamples(30, 1000, 7)


def weights(resamples: Resamples) -> np.ndarray:
    return np.concatenate(list(resamples.blocks()))


def ratio(rows: np.ndarray, sizes: np.ndarray) -> tuple[float, float]:
    """A mean over images and its standard error, of the groups of one draw."""
    mean = rows.sum() / sizes.sum()
    return mean, math.sqrt(((rows - mean * sizes) ** 2).sum()) / sizes.sum()


def draws(resamples: Resamples, column: np.ndarray) -> list[tuple[float, float]]:
    """The same of every draw, written out group by group."""
    chosen = [np.repeat(np.arange(len(column)), counts) for counts in weights(resamples)]
    return [ratio(column[rows], SIZES[rows]) for rows in chosen]


def test_a_draw_has_as_many_groups_as_there_are(resamples):
    drawn = weights(resamples)
    assert drawn.shape == (1000, 30)
    assert (drawn.sum(axis=1) == 30).all()
    assert drawn.mean() == 1
    # The variance of a count of a multinomial distribution.
    assert drawn.var() == pytest.approx(1 - 1 / 30, rel=0.03)


def test_draws_depend_on_the_seed_and_the_number_of_groups_alone(resamples):
    assert np.array_equal(weights(Resamples(30, 100, 7)), weights(resamples)[:100])
    assert not np.array_equal(weights(Resamples(30, 100, 8)), weights(resamples)[:100])


def test_draws_do_not_depend_on_how_many_are_taken_at_once(resamples, monkeypatch):
    whole = weights(resamples)
    monkeypatch.setattr(bootstrap, "_CELLS", 100)
    assert max(len(block) for block in resamples.blocks()) == 3
    assert np.array_equal(weights(resamples), whole)
    values = np.random.default_rng(1).normal(size=(30, 2))
    np.testing.assert_allclose(resamples.sums(values), whole @ values)


def test_the_studentised_interval_written_out(totals, resamples):
    column = totals[:, 0]
    value, error = ratio(column, SIZES)
    pivots = [(mean - value) / of_draw for mean, of_draw in draws(resamples, column)]
    found = bootstrap.means(totals, SIZES, resamples)
    assert (found.values[0], found.errors[0]) == pytest.approx((value, error))
    expected = [value - error * np.quantile(pivots, level) for level in (0.975, 0.025)]
    assert found.studentised(0, 0.95, SPAN) == pytest.approx(expected)


def test_the_basic_interval_and_its_p_value_written_out(totals, resamples):
    column = totals[:, 1]
    value, _ = ratio(column, SIZES)
    shifts = np.array([mean - value for mean, _ in draws(resamples, column)])
    found = bootstrap.means(totals, SIZES, resamples)
    expected = [value - np.quantile(shifts, level) for level in (0.975, 0.025)]
    assert found.basic(1, 0.95, (-16.2, 16.2)) == pytest.approx(expected)
    assert found.p_value(1) == pytest.approx(2 * (1 + min((shifts >= value).sum(), (shifts <= value).sum())) / 1001)


def test_the_basic_interval_is_that_of_scipy():
    losses = np.random.default_rng(1).normal(size=100)
    found = bootstrap.means(losses[:, None], np.ones(100), Resamples(100, 9000, 0))
    scipys = stats.bootstrap((losses,), np.mean, n_resamples=9000, method="basic", rng=np.random.default_rng(2))
    assert found.basic(0, 0.95, (-10, 10)) == pytest.approx(scipys.confidence_interval, abs=0.01)


def test_the_p_value_agrees_with_the_interval():
    random = np.random.default_rng(3)
    columns = random.normal(random.normal(0, 0.3, size=60), 1, size=(50, 60))
    found = bootstrap.means(columns, np.ones(50), Resamples(50, 999, 0))
    p_values = [found.p_value(place) for place in range(60)]
    inside = [low < 0 < high for low, high in (found.basic(place, 0.95, (-9, 9)) for place in range(60))]
    assert 10 < sum(inside) < 50
    # A draw more or less on the bound moves p by 0.002.
    assert all((p > 0.05) == held for p, held in zip(p_values, inside, strict=True) if abs(p - 0.05) > 0.003)


def test_two_equal_models_differ_significantly_one_time_in_twenty():
    leads = np.random.default_rng(4).standard_t(5, size=(100, 3000))
    found = bootstrap.means(leads, np.ones(100), Resamples(100, 400, 0))
    assert np.mean([found.p_value(place) < 0.05 for place in range(3000)]) == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize("groups", [0, 1, 4], ids=["none", "one", "four alike"])
def test_groups_that_do_not_differ_tell_no_interval(groups):
    found = bootstrap.means(np.full((groups, 1), 0.1), np.ones(groups), Resamples(groups, 200, 0))
    assert np.isnan(found.studentised(0, 0.95, SPAN)).all()
    assert np.isnan(found.basic(0, 0.95, SPAN)).all()
    assert math.isnan(found.p_value(0))


def test_few_groups_give_a_wide_interval_within_the_possible():
    found = bootstrap.means(np.array([[0.1], [0.2], [3.0]]), np.ones(3), Resamples(3, 500, 0))
    low, high = found.studentised(0, 0.95, SPAN)
    assert 0 <= low < 1.1 < high == SPAN[1]
