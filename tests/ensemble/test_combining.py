from __future__ import annotations

import itertools
import json
import subprocess
import sys
import typing

import numpy as np
import pandas as pd
import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset.predictions import Predictions
from medcnn.ensemble import choosing, combiners, combining
from medcnn.ensemble.choosing import Score, Validation
from medcnn.ensemble.rules import Dense, Vote, WeightedMean
from medcnn.measures import metrics
from medcnn.params.ensemble import Combiner
from medcnn.params.whole import Compute

ALL = tuple(combining.COMBINERS)
GRID = np.array([(a, b, 20 - a - b) for a, b in itertools.product(range(21), repeat=2) if a + b <= 20]) / 20


def guesses(rng: np.random.Generator, labels: np.ndarray, skill: float, classes: int = 2) -> np.ndarray:
    """Probabilities (N, C) that know the labels, the better the larger ``skill``; at 0 they are pure noise."""
    odds = np.exp(rng.normal(size=(len(labels), classes)) + skill * np.eye(classes)[labels])
    return odds / odds.sum(axis=1, keepdims=True)


def members(skills: dict[str, float], images: int = 400, classes: int = 2, seed: int = 0) -> dict[str, Predictions]:
    """Models over the same images, half of them validation, the other half test."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(images) % classes)
    splits = tuple("validation" if index < images // 2 else "test" for index in range(images))
    ids = tuple(f"{index:012x}" for index in range(images))
    names = tuple("abcdefg"[:classes])
    return {
        name: Predictions(names, ids, splits, labels, guesses(rng, labels, skill, classes))
        for name, skill in skills.items()
    }


def alone(some: dict[str, Predictions]) -> pd.Series:
    """Every image in a group of its own."""
    return next(iter(some.values())).image_ids.to_series()


def seen(some: dict[str, Predictions], groups: pd.Series | None = None, seed: int = 42) -> Validation:
    return choosing.validation(some, alone(some) if groups is None else groups, seed)


def ensembles(some: dict[str, Predictions], seed: int = 42) -> dict[str, combining.Ensemble]:
    return combining.ensembles(some, ALL, seen(some, seed=seed), Compute())


def drawn(models: int = 3, images: int = 40, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    return np.stack([guesses(rng, labels, 0.3 + index / 2, classes) for index in range(models)]), labels


def test_the_combiners_are_those_that_params_offers() -> None:
    assert set(ALL) == set(typing.get_args(Combiner))


def test_the_order_of_params_is_no_order_of_choice() -> None:
    some = members({"good": 2, "bad": 0})
    backwards = combining.ensembles(some, ALL[::-1], seen(some), Compute())
    assert combining.record(backwards) == combining.record(ensembles(some))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("models", [1, 2, 5])
def test_what_is_combined_is_a_probability(name: str, models: int) -> None:
    probabilities, labels = drawn(models)
    combined = combining.COMBINERS[name](probabilities, labels).combine(probabilities[:, :7])
    assert combined.shape == (7, 3)
    assert combined.min() >= 0
    assert combined.sum(axis=1) == pytest.approx(1)


def test_no_combiner_looks_at_the_test_part() -> None:
    some = members({"one": 1.0, "other": 0.8})
    before = ensembles(some)
    next(iter(some.values())).labels[200:] = 0
    for part in some.values():
        part.probabilities[200:] = part.probabilities[200:][::-1]
    for name, after in ensembles(some).items():
        assert (after.rule, after.score) == (before[name].rule, before[name].score)
        answers = [ensemble.predictions.of("validation").probabilities for ensemble in (before[name], after)]
        np.testing.assert_array_equal(*answers)


def test_the_mean_weighs_all_alike() -> None:
    some = members({"good": 2, "bad": 0, "worse": -1})
    joined = ensembles(some)["mean"]
    assert joined.rule == WeightedMean((0.333333,) * 3)
    assert joined.predictions.probabilities == pytest.approx(sum(part.probabilities for part in some.values()) / 3)
    assert joined.predictions.image_ids.equals(some["good"].image_ids)


# Vote.


def test_the_majority_wins_however_sure_the_others_are() -> None:
    probabilities = np.array([[[0.51, 0.49]], [[0.51, 0.49]], [[0.0, 1.0]]])
    assert probabilities.mean(axis=0).argmax() == 1
    assert Vote().combine(probabilities).argmax() == 0


def test_a_tied_vote_goes_to_the_likelier_class() -> None:
    probabilities = np.array([[[0.6, 0.4, 0.0], [0.9, 0.1, 0.0]], [[0.1, 0.9, 0.0], [0.4, 0.6, 0.0]]])
    assert Vote().combine(probabilities).argmax(axis=1).tolist() == [1, 0]


def test_votes_are_as_documented_and_leave_every_class_a_chance() -> None:
    probabilities = np.array([[[0.7, 0.2, 0.1]], [[0.5, 0.1, 0.4]], [[0.2, 0.8, 0.0]]])
    expected = (np.array([2, 1, 0]) + probabilities.mean(axis=0)[0]) / 4
    assert Vote().combine(probabilities)[0] == pytest.approx(expected)
    certain = Vote().combine(np.array([[[1.0, 0.0, 0.0]]] * 3))
    assert 0 < certain[0, 1] < 1e-6


# Weighted.


def test_weights_prefer_what_is_right_on_validation() -> None:
    joined = ensembles(members({"good": 3, "bad": 0, "worse": -1}))["weighted"]
    assert joined.rule.shares.sum() == pytest.approx(1)
    assert joined.rule.shares[0] > 0.95
    assert "good" in joined.needed


def test_mixture_weights_are_the_best_of_a_fine_grid() -> None:
    likelihoods = np.random.default_rng(1).uniform(0.05, 1, (2, 300)) ** [[1.0], [1.4]]
    grid = np.linspace(0, 1, 2001)
    loss = [-np.log(share * likelihoods[0] + (1 - share) * likelihoods[1]).mean() for share in grid]
    assert combiners.mixture_weights(likelihoods)[0] == pytest.approx(grid[int(np.argmin(loss))], abs=2e-3)


@pytest.mark.parametrize("seed", range(5))
def test_no_weights_of_a_grid_beat_the_mixture_weights(seed: int) -> None:
    probabilities, labels = drawn(seed=seed)
    likelihoods = probabilities[:, np.arange(len(labels)), labels]
    losses = -np.log(GRID @ likelihoods).mean(axis=1)
    best = -np.log(combiners.mixture_weights(likelihoods) @ likelihoods).mean()
    assert best <= losses.min() + 1e-6


def test_a_certain_error_does_not_break_the_fit() -> None:
    shares = combiners.mixture_weights(np.array([[0.0, 0.9], [0.5, 0.5]]))
    assert np.isfinite(shares).all()
    assert shares.sum() == pytest.approx(1)


# Greedy.


def drawn_one_by_one(likelihoods: np.ndarray) -> list[int]:
    """Greedy selection in the plainest way: the list of drawn models, grown by one a step."""

    def loss(models: list[int]) -> float:
        return round(-float(np.log(np.mean([likelihoods[model] for model in models], axis=0)).mean()), 12)

    ranking = sorted(range(len(likelihoods)), key=lambda model: loss([model]))
    path = [min((ranking[:count] for count in range(1, len(ranking) + 1)), key=loss)]
    for _ in range(100):
        path.append(min(([*path[-1], model] for model in range(len(likelihoods))), key=loss))
    return min(path, key=loss)


@pytest.mark.parametrize("seed", range(5))
def test_greedy_draws_are_those_of_the_plain_way(seed: int) -> None:
    probabilities, labels = drawn(models=4, seed=seed)
    likelihoods = probabilities[:, np.arange(len(labels)), labels]
    plain = drawn_one_by_one(likelihoods)
    assert combiners.greedy_draws(likelihoods).tolist() == [plain.count(model) for model in range(4)]


@pytest.mark.parametrize("seed", range(5))
def test_greedy_comes_close_to_the_best_weights(seed: int) -> None:
    probabilities, labels = drawn(seed=seed)
    likelihoods = probabilities[:, np.arange(len(labels)), labels]
    draws = combiners.greedy_draws(likelihoods)
    loss = -np.log(draws / draws.sum() @ likelihoods).mean()
    assert loss <= -np.log(GRID @ likelihoods).mean(axis=1).min() + 1e-4


def test_greedy_of_equal_models_draws_the_fewest() -> None:
    likelihoods = np.tile(np.linspace(0.1, 0.9, 20), (3, 1))
    assert combiners.greedy_draws(likelihoods).sum() == 1


# Stacking.


@pytest.mark.parametrize("name", ["mean_dense", "concat_dense"])
def test_stacking_learns_what_a_mean_cannot(name: str) -> None:
    """Models that confuse two classes systematically, which a trained layer can undo."""
    probabilities, labels = drawn(models=2, images=300)
    swapped = probabilities[:, :, [1, 0, 2]]
    stacked = combining.COMBINERS[name](swapped[:, :150], labels[:150]).combine(swapped[:, 150:])
    assert (swapped[:, 150:].mean(axis=0).argmax(axis=1) == labels[150:]).mean() < 0.4
    assert (stacked.argmax(axis=1) == labels[150:]).mean() > 0.5


def test_concatenation_tells_the_models_apart() -> None:
    """One model is right and one always wrong: their mean says nothing, and their concatenation everything."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 300)
    right = guesses(rng, labels, 3)
    both = np.stack([right, right[:, ::-1]])
    accuracy = {
        name: (combining.COMBINERS[name](both[:, :150], labels[:150]).combine(both[:, 150:]).argmax(axis=1))
        == labels[150:]
        for name in ("mean_dense", "concat_dense")
    }
    assert accuracy["mean_dense"].mean() < 0.65
    assert accuracy["concat_dense"].mean() > 0.9


@pytest.mark.parametrize("name", ["mean_dense", "concat_dense"])
def test_a_class_that_stacking_never_saw_is_impossible(name: str) -> None:
    probabilities, labels = drawn()
    known = labels != 1
    stacked = combining.COMBINERS[name](probabilities[:, known], labels[known]).combine(probabilities)
    assert stacked[:, 1].max() == 0
    assert stacked.sum(axis=1) == pytest.approx(1)


@pytest.mark.parametrize("classes", [2, 3])
def test_stacking_is_scikit_learns_logistic_regression(classes: int) -> None:
    from sklearn.linear_model import LogisticRegression

    probabilities, labels = drawn(classes=classes, images=200)
    rule = combining.COMBINERS["mean_dense"](probabilities, labels)
    reference = LogisticRegression(tol=1e-8, max_iter=10_000).fit(probabilities.mean(axis=0), labels)
    expected = reference.predict_proba(probabilities.mean(axis=0))
    assert rule.combine(probabilities) == pytest.approx(expected, abs=1e-6)


def test_what_is_written_is_what_decided() -> None:
    probabilities, labels = drawn()
    for name in ("weighted", "mean_dense", "concat_dense"):
        rule = combining.COMBINERS[name](probabilities, labels)
        numbers = [rule.kernel, rule.bias] if isinstance(rule, Dense) else [rule.weights]
        assert files.rounded(numbers) == json.loads(json.dumps(numbers)), name


# Choosing.


def test_a_fitted_combiner_is_scored_on_folds_that_it_has_not_seen() -> None:
    probabilities, labels = drawn(images=60)
    folds = np.arange(60) // 3 % 5
    predicted = choosing.out_of_fold(combiners.concat_dense, probabilities, labels, folds)
    for fold in range(5):
        held = folds == fold
        fitted = combiners.concat_dense(probabilities[:, ~held], labels[~held])
        np.testing.assert_array_equal(predicted[held], fitted.combine(probabilities[:, held]))


@pytest.mark.parametrize("name", ALL)
def test_validation_is_answered_out_of_fold_and_test_by_the_fit_on_all_of_it(name: str) -> None:
    some = members({"good": 2, "bad": 0}, images=120)
    made, validation = ensembles(some)[name], seen(some)
    expected = choosing.out_of_fold(
        combiners.COMBINERS[name], validation.probabilities, validation.labels, validation.folds
    )
    np.testing.assert_allclose(made.predictions.of("validation").probabilities, expected, atol=1e-12)
    on_test = made.rule.combine(np.stack([part.of("test").probabilities for part in some.values()]))
    np.testing.assert_array_equal(made.predictions.of("test").probabilities, on_test)


def test_every_score_is_of_the_answers_that_are_written() -> None:
    some = members({"good": 2, "bad": 0})
    for made in ensembles(some).values():
        part = made.predictions.of("validation")
        right = part.probabilities.argmax(axis=1) == part.labels
        assert made.score.accuracy == pytest.approx(right.mean())
        assert made.score.cross_entropy == pytest.approx(metrics.cross_entropy(part.labels, part.probabilities))


def noise(seed: int, patients: int = 30, images: int = 3) -> tuple[dict[str, Predictions], pd.Series]:
    """Twelve models that know nothing of the labels; images of one patient look alike to them, and share a label."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(rng.permutation(np.arange(patients) % 2), images)
    ids = tuple(f"{index:012x}" for index in range(len(labels)))
    splits = ("validation",) * len(labels)
    some = {}
    for model in range(12):
        probabilities = np.repeat(guesses(rng, labels[::images] * 0, 0), images, axis=0)
        some[f"model_{model}"] = Predictions(("a", "b"), ids, splits, labels, probabilities)
    return some, pd.Series([str(index // images) for index in range(len(ids))], index=ids)


@pytest.mark.slow
def test_pure_noise_scores_no_better_than_chance() -> None:
    scores: dict[str, list[Score]] = {name: [] for name in ALL}
    flattered, leaked = [], []
    for seed in range(12):
        some, groups = noise(seed)
        made = combining.ensembles(some, ALL, seen(some, groups, seed), Compute())
        for name, ensemble in made.items():
            scores[name].append(ensemble.score)
        both = np.stack([part.probabilities for part in some.values()])
        stacked = made["concat_dense"].rule.combine(both)
        flattered.append((stacked.argmax(axis=1) == some["model_0"].labels).mean())
        alike = combining.ensembles(some, ["concat_dense"], seen(some, seed=seed), Compute())
        leaked.append(alike["concat_dense"].score.accuracy)
    for name, drawn_scores in scores.items():
        # 12 x 30 independent patients: the mean accuracy has a standard deviation of 0.026.
        assert np.mean([score.accuracy for score in drawn_scores]) < 0.6, name
        assert np.mean([score.cross_entropy for score in drawn_scores]) > np.log(2) - 0.01, name
    # The same data does betray a combiner that is scored on what it saw, or on the same patients.
    assert np.mean(flattered) > 0.65
    assert np.mean(leaked) > 0.65


def test_groups_stay_whole_and_classes_are_spread() -> None:
    rng = np.random.default_rng(0)
    groups = [str(patient) for patient in range(40) for _ in range(rng.integers(1, 5))]
    labels = np.array([int(group) % 2 for group in groups])
    folds = choosing.folds(labels, groups, 2, seed=1)
    assert {len({fold for fold, name in zip(folds, groups, strict=True) if name == group}) for group in groups} == {1}
    for index in (0, 1):
        assert np.bincount(folds[labels == index]).min() >= 0.1 * (labels == index).sum()
    np.testing.assert_array_equal(folds, choosing.folds(labels, groups, 2, seed=1))


def test_a_class_of_two_patients_is_enough() -> None:
    some = members({"good": 2, "bad": 0}, images=40)
    labels = next(iter(some.values())).labels
    labels[:20] = [1, 1, *[0] * 18]
    made = ensembles(some)
    assert all(np.isfinite(ensemble.score.cross_entropy) for ensemble in made.values())
    assert "not scored" not in combining.summary(made)


def test_a_class_of_one_patient_leaves_fitted_combiners_unscored_and_says_so() -> None:
    some = members({"good": 2, "bad": 0}, images=40)
    groups = alone(some)
    part = next(iter(some.values())).of("validation")
    groups[part.image_ids[part.labels == 1]] = "one"
    made = combining.ensembles(some, ALL, seen(some, groups), Compute())
    scored = {name for name, ensemble in made.items() if np.isfinite(ensemble.score.cross_entropy)}
    assert scored == {"mean", "vote"}
    assert combining.record(made)["chosen"] in scored
    assert "not scored: weighted, greedy, mean_dense, concat_dense" in combining.summary(made)


def test_the_lowest_cross_entropy_is_chosen_and_of_equals_the_simplest() -> None:
    even = {name: Score(0.5, 0.7) for name in ALL}
    assert choosing.chosen(even) == "mean"
    assert choosing.chosen(even | {"greedy": Score(0.4, 0.6), "concat_dense": Score(0.9, 0.6 - 1e-9)}) == "greedy"
    assert choosing.chosen(even | {"mean": Score(0.9, float("nan"))}) == "vote"


def test_a_better_combiner_than_the_mean_is_found() -> None:
    made = ensembles(members({"good": 4, "bad": 0, "worse": -2}))
    record = combining.record(made)
    assert record["chosen"] != "mean"
    losses = {name: block["validation"]["cross_entropy"] for name, block in record["combiners"].items()}
    assert record["chosen"] == min(losses, key=losses.__getitem__)
    weighed = {name for name, block in record["combiners"].items() if "weights" in block}
    assert weighed == {"mean", "weighted", "greedy"}


def test_one_model_makes_no_ensemble() -> None:
    made = ensembles(members({"only": 1}))
    assert combining.record(made) == {"combiners": {}, "chosen": None}
    assert combining.summary(made) == "one model, so no ensembles"


def test_an_image_that_the_manifest_lacks_is_named() -> None:
    some = members({"one": 1, "other": 1})
    with pytest.raises(MedcnnError, match="image 000000000000 of the predictions is not in the manifest"):
        seen(some, pd.Series({"0": "one"}))


def test_importing_the_combiners_loads_no_framework() -> None:
    code = (
        "import medcnn.ensemble.combining, medcnn.ensemble.cascading, sys; "
        "print({'tensorflow', 'sklearn', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
