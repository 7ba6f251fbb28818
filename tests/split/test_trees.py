from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from medcnn.split import trees


@pytest.mark.parametrize(("classes", "columns"), [(1, 1), (3, 1), (2, 4)])
@pytest.mark.parametrize("rows", [30, 400])
def test_a_tree_says_what_that_of_scikit_learn_says(rows: int, classes: int, columns: int) -> None:
    rng = np.random.default_rng(rows + classes)
    known = np.float32(rng.normal(size=(rows, columns)).round(1)).astype(np.float64)
    targets = (known[:, :1] * rng.normal(size=classes) + rng.normal(size=(rows, classes)) > 0.3).astype(np.int64)
    seen = rng.random(rows) < 0.8
    theirs = DecisionTreeRegressor(max_leaf_nodes=trees.LEAVES, min_samples_leaf=trees.LEAST, random_state=0)
    expected = theirs.fit(known[seen], targets[seen]).predict(known).reshape(rows, classes)
    np.testing.assert_allclose(trees.predicted(known, targets, seen), expected, atol=1e-12)


@pytest.mark.parametrize("values", [np.zeros(20), np.arange(20.0)])
def test_where_nothing_can_be_told_all_rows_get_the_mean(values: np.ndarray) -> None:
    targets = np.ones((20, 1), np.int64) if values.any() else (np.arange(20) % 2)[:, None]
    np.testing.assert_array_equal(trees.predicted(values[:, None], targets, np.ones(20, bool)), targets.mean())
