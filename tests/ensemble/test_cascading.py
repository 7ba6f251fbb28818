from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset.predictions import Predictions
from medcnn.ensemble import cascading, choosing
from medcnn.ensemble.cascading import Cascaded
from medcnn.ensemble.rules import Cascade
from medcnn.results.ensembles import Combined
from medcnn.runtime import paths
from tests.classifiers import model, table
from tests.results.examples import trained

MACS = {"cheap": 1_000_000, "dear": 20_000_000}


def pair(cheap: float = 1.0, dear: float = 2.5, images: int = 900, sharpness: float = 3.0) -> dict[str, Predictions]:
    labels = np.arange(images) % 3
    return {
        "cheap": table(labels, model(labels, cheap, 0, sharpness=sharpness)),
        "dear": table(labels, model(labels, dear, 1)),
    }


def cascaded(tables: dict[str, Predictions], groups: pd.Series | None = None) -> Cascaded:
    groups = tables["cheap"].image_ids.to_series() if groups is None else groups
    return cascading.cascaded(tables, ("cheap", "dear"), MACS, choosing.validation(tables, groups, seed=42))


def of_rule(made: Cascaded, tables: dict[str, Predictions], split: str) -> np.ndarray:
    """The probabilities of the cascade that was fitted on all of validation."""
    parts = [tables[name].of(split).probabilities for name in (made.first, made.second)]
    return made.cascade.combine(np.stack(parts))


def accuracy(predicted: Predictions) -> float:
    return float((predicted.probabilities.argmax(axis=1) == predicted.labels).mean())


# Threshold.


@pytest.mark.parametrize("seed", range(20))
def test_no_threshold_is_cheaper_and_as_good_as_the_second_model(seed: int) -> None:
    rng = np.random.default_rng(seed)
    confidences = rng.uniform(0.3, 1, 25).round(1 + seed % 3)
    first_right = rng.random(25) < confidences
    second_right = rng.random(25) < 0.8

    def right(threshold: float) -> int:
        return int(np.where(confidences > threshold, first_right, second_right).sum())

    def answered(threshold: float) -> int:
        return int((confidences > threshold).sum())

    found = cascading.cheapest_threshold(confidences, first_right, second_right)
    assert right(found) >= second_right.sum()
    good = [threshold for threshold in np.linspace(0, 1, 4001) if right(threshold) >= second_right.sum()]
    assert answered(found) == max(map(answered, good))


def test_a_first_model_as_good_as_the_second_answers_alone() -> None:
    right = np.array([True, False, True])
    assert cascading.cheapest_threshold(np.array([0.9, 0.4, 0.8]), right, right) == 0


def test_a_first_model_that_is_never_right_answers_nothing() -> None:
    wrong, right = np.zeros(3, bool), np.ones(3, bool)
    assert cascading.cheapest_threshold(np.array([1.0, 0.4, 1.0]), wrong, right) == 1


def test_thresholds_lie_between_the_confidences() -> None:
    first_right = np.array([False, True, True])
    assert cascading.cheapest_threshold(np.array([0.5, 0.7, 0.9]), first_right, np.ones(3, bool)) == 0.6


# The cascade of two models.


def test_each_image_is_answered_by_one_of_the_two_models() -> None:
    first, second = np.array([[0.9, 0.1], [0.6, 0.4]]), np.array([[0.3, 0.7], [0.2, 0.8]])
    cascade = Cascade(temperature=1.0, threshold=0.75)
    assert cascade.first_answers(first).tolist() == [True, False]
    both = np.stack([first, second])
    assert cascade.combine(both) == pytest.approx(np.array([[0.9, 0.1], [0.2, 0.8]]))
    colder = Cascade(temperature=0.5, threshold=0.65)
    assert colder.combine(both) == pytest.approx(np.array([[0.81, 0.01], [0.36, 0.16]]) / [[0.82], [0.52]])


def test_on_validation_a_cascade_is_as_good_as_its_second_model_and_cheaper() -> None:
    tables = pair()
    made = cascaded(tables)
    assert accuracy(tables["cheap"].of("validation")) < accuracy(tables["dear"].of("validation"))
    seen = tables["dear"].of("validation")
    assert (of_rule(made, tables, "validation").argmax(axis=1) == seen.labels).mean() >= accuracy(seen)
    assert 0.1 < made.first_share["validation"] < 0.9
    assert made.cost.mean < MACS["dear"]
    assert made.cascade.temperature > 1.5


def test_no_image_of_validation_is_answered_by_a_fit_on_its_own_patient() -> None:
    """Of images that repeat each other, one copy gives the threshold away that is right for the other."""
    tables = pair(images=60)
    ids = tables["cheap"].of("validation").image_ids
    groups = pd.Series([str(place // 3) for place in range(len(ids))], ids)
    seen = choosing.validation(tables, groups, seed=42)
    made = cascaded(tables, groups)
    answers = made.predictions.of("validation").probabilities
    for fold in range(choosing.FOLDS):
        held_out = seen.folds == fold
        assert len({*groups[held_out]} & {*groups[~held_out]}) == 0
        other = cascading.fitted(seen.probabilities[:, ~held_out], seen.labels[~held_out])
        np.testing.assert_array_equal(answers[held_out], other.combine(seen.probabilities[:, held_out]))
    assert made.score.accuracy == pytest.approx(accuracy(made.predictions.of("validation")))


def test_a_cascade_that_cannot_be_scored_is_on_record_as_such() -> None:
    tables = pair(images=60)
    groups = tables["cheap"].image_ids.to_series()
    groups[:] = "one"
    record = files.rounded({"both": cascaded(tables, groups).record()})
    assert Combined(combiners={}, chosen=None, macs={}, cascades=record).unscored == ("both",)


def test_the_record_tells_enough_to_answer_again() -> None:
    tables = pair()
    record = files.rounded(cascaded(tables).record())
    cascade = Cascade(record["temperature"], record["threshold"])
    for split in ("validation", "test"):
        answered = cascade.first_answers(tables["cheap"].of(split).probabilities)
        assert record["first_share"][split] == pytest.approx(answered.mean(), abs=1e-6)
    assert (record["first"], record["second"]) == ("cheap", "dear")
    mean = MACS["cheap"] + (1 - answered.mean()) * MACS["dear"]
    assert record["macs"] == {"first": MACS["cheap"], "second": MACS["dear"], "mean": round(mean)}


def test_the_fit_does_not_look_at_the_test_part() -> None:
    tables = pair()
    before = cascaded(tables)
    test = np.array([split == "test" for split in tables["cheap"].splits])
    tables["cheap"].labels[test] = 0
    for part in tables.values():
        part.probabilities[test] = part.probabilities[test][::-1]
    after = cascaded(tables)
    assert after.cascade == before.cascade
    assert after.first_share["validation"] == before.first_share["validation"]


def test_a_useless_first_model_costs_more_and_harms_nothing() -> None:
    tables = pair(cheap=-3.0, dear=6.0)
    made = cascaded(tables)
    seen = tables["dear"].of("validation")
    assert (of_rule(made, tables, "validation").argmax(axis=1) == seen.labels).mean() >= accuracy(seen)
    assert made.first_share["validation"] < 0.05
    assert made.cost.mean > MACS["dear"]


def test_an_ensemble_costs_what_its_needed_members_cost() -> None:
    made = cascaded(pair())
    whole = cascading.mean_macs(MACS, {"mean": ("cheap", "dear"), "greedy": ("dear",)}, {"cheap_dear_cascade": made})
    assert whole == {
        **MACS,
        "ensemble_mean": 21_000_000,
        "ensemble_greedy": 20_000_000,
        "cheap_dear_cascade": made.cost.mean,
    }


def test_a_model_that_recorded_no_cost_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MedcnnError, match=r"metrics/train/phantom/simple\.json not found; run `dvc repro`"):
        cascading.macs("phantom", "simple")
    without = {key: value for key, value in trained().items() if key != "macs"}
    files.write_json(paths.metrics("train", "phantom", "simple"), without)
    with pytest.raises(MedcnnError, match=r"metrics/train/phantom/simple\.json: macs: .*; run `dvc repro`"):
        cascading.macs("phantom", "simple")
    files.write_json(paths.metrics("train", "phantom", "simple"), trained(macs=12))
    assert cascading.macs("phantom", "simple") == 12
