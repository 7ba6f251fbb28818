from __future__ import annotations

from typing import Any

from medcnn.evaluate import ranking
from medcnn.params.judging.figures import TESTED


def of(test_accuracy: float | None, validation_loss: float | None) -> dict[str, Any]:
    return {"test": {"accuracy": test_accuracy}, "validation": {"cross_entropy": validation_loss}}


def pair(first: str, second: str, *ps: float | None) -> dict[str, Any]:
    return {"first": first, "second": second} | {
        figure.key: {"p_best": p} for figure, p in zip(TESTED, ps, strict=True)
    }


FIGURES = {"a": of(0.8, 0.5), "b": of(0.9, 0.7), "ensemble_weighted": of(0.7, 0.1), "ensemble_mean": of(0.85, 0.4)}


def test_best_and_worst_are_decided_on_validation_among_models_that_are_scored_there() -> None:
    found = ranking.ranked(FIGURES, unscored={"ensemble_weighted"}, networks={"a", "b"})
    assert (found["best"], found["worst"]) == ("ensemble_mean", "b")
    assert found["networks"] == {"best": "a", "worst": "b"}


def test_the_order_is_by_test_accuracy_and_undefined_figures_come_last() -> None:
    figures = {**FIGURES, "c": of(None, None)}
    found = ranking.ranked(figures, unscored=(), networks={"a", "b", "c"})
    assert found["ranking"] == ["b", "ensemble_mean", "a", "ensemble_weighted", "c"]
    assert found["networks"] == {"best": "a", "worst": "c"}


def test_one_model_is_best_and_worst() -> None:
    assert ranking.ranked({"a": of(1.0, 0.1)}, unscored=(), networks={"a"})["networks"] == {"best": "a", "worst": "a"}


def test_models_within_chance_of_the_best_are_named_by_figure() -> None:
    pairs = [pair("a", "b", 0.05, 0.049, None), pair("b", "c", 1.0, 1.0, 1.0), pair("c", "a", 0.01, 0.3, 0.01)]
    assert ranking.same_as("a", pairs, 0.05) == {"accuracy": ["b"], "auroc": ["c"], "cross_entropy": ["b"]}
    assert ranking.same_as("a", [], 0.05) == {"accuracy": [], "auroc": [], "cross_entropy": []}
