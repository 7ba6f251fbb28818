"""Tables behind plots as arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.report import reading
from medcnn.results.plots import EVALUATED, HISTORY
from medcnn.runtime import paths


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(name: str, *rows: tuple[object, ...]) -> Path:
    path = paths.plots("evaluate", "s") / f"{name}.csv"
    files.write_csv(path, tuple(EVALUATED[name].columns), rows)
    return path


def test_a_table_that_is_not_there_has_no_rows() -> None:
    assert reading.confusions("s", ("a",), ("no", "yes")) == {}
    assert reading.histories("s", ("a",)) == {}


def test_confusions_are_counts_by_true_class_of_the_models_of_the_run() -> None:
    write("confusion", ("a", "yes", "no", 3, 0.75), ("a", "no", "no", 5, 1), ("gone", "no", "yes", 9, 1))
    [(model, counts)] = reading.confusions("s", ("a",), ("no", "yes")).items()
    assert (model, counts.tolist()) == ("a", [[5, 0], [3, 0]])


def test_errors_are_by_class_and_model_with_rising_thresholds() -> None:
    write("errors", ("a", "yes", 0.5, 1, 2), ("a", "yes", 0.25, 0, 4), ("b", "yes", 0.1, 0, 0))
    found = reading.errors("s", ("a", "b"))["yes"]
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["a"].thresholds, [0.25, 0.5])
    np.testing.assert_array_equal(found["a"].false_positives, [4, 2])


def test_a_learning_curve_is_one_value_per_epoch_by_part() -> None:
    rows = [(1, "train", 0.5, 0.8, 0.001), (1, "validation", 0.6, 0.7, 0.001), (2, "train", 0.4, 0.9, 0.001)]
    files.write_csv(paths.plots("train", "s", "a") / "history.csv", tuple(HISTORY.columns), rows)
    found = reading.histories("s", ("a", "ensemble_mean"))
    assert list(found) == ["a"]
    assert found["a"]["train"].epochs.tolist() == [1, 2]
    assert found["a"]["validation"].loss.tolist() == [0.6]


def test_a_table_of_other_columns_is_one_line() -> None:
    files.write_csv(paths.plots("evaluate", "s") / "roc.csv", ("model", "class", "x", "y"), [])
    with pytest.raises(MedcnnError, match=r"roc\.csv is not a table of ROC curves"):
        reading.rocs("s", ("a",))
