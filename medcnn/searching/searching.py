"""Recipes tried one after another, each judged where test is not, and the best of them tested once.

A figure by which the best of many is chosen is too good: its luck was chosen too. So it is set beside that of the test
part, which no trial has seen: cross-validation leaves it alone (``split.test_apart``), and it is read after the choice.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from medcnn.core.errors import MedcnnError
from medcnn.params import changes, whole
from medcnn.runtime.studying import alone
from medcnn.searching.runs import Runs, Scores
from medcnn.searching.space import Changes, Space

_EVENLY = 5
"""Trials drawn evenly before the sampler learns from them."""
_DRAWS = 200
"""How often a recipe is drawn until it is one that was not tried."""


@dataclass(frozen=True)
class Tried:
    """A recipe, and its figures on the inner folds."""

    name: str
    recipe: Changes
    inner: Scores

    def __str__(self) -> str:
        return f"{self.name}: {_figures(self.inner)}  {_written(self.recipe) or 'as it is'}"


def search(study: str, model: str, trials: int, folds: int) -> None:
    """Try a model's recipe as it is, then others around it, and test the best; ``params.yaml`` stays as it was.

    Args:
        study: its name.
        model: that of the model.
        trials: how many other recipes.
        folds: inner folds, on each of which every recipe is trained.

    Raises:
        ParamsError: there is no such study or model.
        MedcnnError: Optuna is missing, the recipe as it is cannot be run, or another study is running.
    """
    with alone() as children:
        optuna = _optuna()
        children.warm.start()
        settings = whole.load()
        runs, space = Runs.of(children, study, model, folds, settings), Space(study, model, settings)
        first = runs.free()
        tried = [Tried(str(first), {}, runs.inner(str(first), {}))]
        print(tried[0], flush=True)
        for one in _others(optuna, space, runs, range(first + 1, first + 1 + trials), tried[0]):
            print(one, flush=True)
            tried.append(one)
        ranked = sorted(tried, key=lambda one: float(one.inner["cross_entropy"]))
        name = f"{ranked[0].name}-tested"
        print(*_report(tried[0], ranked, runs.outer(name, ranked[0].recipe), runs.named(name)), sep="\n")


def _others(optuna: Any, space: Space, runs: Runs, numbers: range, first: Tried) -> Iterator[Tried]:
    """Recipes that Optuna draws, each by what the ones before it gave, and none twice.

    Those that cannot be trained are left out.
    """
    sampler = optuna.samplers.TPESampler(seed=space.settings.seed, n_startup_trials=_EVENLY)
    sought, failed = optuna.create_study(sampler=sampler), optuna.trial.TrialState.FAIL
    losses: dict[str, float | None] = {_written(first.recipe): first.inner["cross_entropy"]}
    for number in map(str, numbers):
        drawn = _unseen(sought, space, losses, failed)
        if drawn is None:
            print("no other recipe is left: all that may be changed of this model was tried", file=sys.stderr)
            return
        trial, recipe = drawn
        try:
            one = Tried(number, recipe, runs.inner(number, recipe))
        except MedcnnError as error:
            print(f"{number}: left out: {error}", file=sys.stderr)
            losses[_written(recipe)] = None
            sought.tell(trial, state=failed)
            continue
        losses[_written(recipe)] = one.inner["cross_entropy"]
        sought.tell(trial, one.inner["cross_entropy"])
        yield one


def _unseen(sought: Any, space: Space, losses: Mapping[str, float | None], failed: Any) -> tuple[Any, Changes] | None:
    """A recipe that was not tried, with its trial; the sampler is told what the others gave, which it draws again."""
    for _ in range(_DRAWS):
        trial = sought.ask()
        recipe = space.drawn(trial)
        if (written := _written(recipe)) not in losses:
            return trial, recipe
        loss = losses[written]
        sought.tell(trial, loss, state=failed if loss is None else None)
    return None


def _written(recipe: Changes) -> str:
    return " ".join(changes.assignments(recipe))


def _report(before: Tried, ranked: Sequence[Tried], outer: Scores, experiment: str) -> Iterator[str]:
    """What the search found, and how much of that is luck; DVC has written much between the lines of the trials."""
    best = ranked[0]
    yield "all that was tried, the best first:"
    yield from map(str, ranked)
    found = best.inner["cross_entropy"]
    yield f"best on the inner folds  {best}"
    yield f"the recipe as it is      {_figures(before.inner)}"
    yield f"test, read once          {_figures(outer)}"
    worse = outer["cross_entropy"] - found
    yield (
        f"gain inside {before.inner['cross_entropy'] - found:+.3f} of cross-entropy; test is "
        f"{'worse' if worse > 0 else 'better'} than inside by {abs(worse):.3f}, the optimism of choosing by these "
        f"folds and the chance of {outer['support']} test images"
    )
    yield f"kept as the experiment {experiment}: `dvc exp apply {experiment}` sets its params"


def _figures(scores: Scores) -> str:
    shown = {"cross-entropy": "cross_entropy", "accuracy": "accuracy", "AUROC": "auroc"}
    return ", ".join(f"{name} {scores[key]:.3f}" for name, key in shown.items())


def _optuna() -> Any:
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise MedcnnError(
            "search: optuna is not installed; run `pip install -r requirements-search.txt` in this environment"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
