"""Ensembles: several models' probabilities joined by image, fitted on validation only, one of them chosen on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from medcnn.dataset.manifest import of_images
from medcnn.dataset.predictions import Predictions
from medcnn.ensemble import choosing, rules
from medcnn.ensemble.choosing import Score, Validation
from medcnn.ensemble.combiners import COMBINERS, FITTED
from medcnn.ensemble.rules import ByFinding, Fitted, Rule
from medcnn.measures.findings import decided
from medcnn.runtime import fanout
from medcnn.runtime.fanout import Placement

__all__ = ["COMBINERS", "FITTED", "Ensemble", "ensembles", "record", "summary"]


@dataclass(frozen=True)
class Ensemble:
    """One combiner, fitted on the whole of validation.

    Attributes:
        predictions: of every image.
        members: the models, in the order of the rule.
        rule: how they are joined.
        score: on validation, out-of-fold if the combiner is a fitted one.
    """

    predictions: Predictions
    members: tuple[str, ...]
    rule: Rule
    score: Score

    @property
    def needed(self) -> tuple[str, ...]:
        """The members that must be run."""
        return rules.needed(self.rule, self.members)


def ensembles(
    members: Mapping[str, Predictions],
    combiners: Sequence[str],
    groups: pd.Series[str],
    seed: int,
    placement: Placement,
) -> dict[str, Ensemble]:
    """The ensembles of a run's models, by combiner; none for a single model, of which they would be copies.

    Args:
        members: predictions of the same images in the same order, by model.
        combiners: names in ``COMBINERS``.
        groups: the group (patient and duplicates) of each image id of the validation part.
        seed: of the folds.
        placement: where the combiners are fitted.

    Raises:
        MedcnnError: a validation image has no group.
    """
    if len(members) < 2:
        return {}
    fitted = fanout.each(partial(_fitted, _validation(members, groups, seed)), combiners, placement)
    return {name: _ensemble(members, rule, score) for name, (rule, score) in zip(combiners, fitted, strict=True)}


def summary(made: Mapping[str, Ensemble]) -> str:
    """One line for the terminal: what was chosen, and what could not be scored."""
    if not made:
        return "one model, so no ensembles"
    unscored = ", ".join(name for name, ensemble in made.items() if ensemble.score.missing)
    reason = f"; not scored: {unscored}, as validation lacks two patients of every class" if unscored else ""
    return f"{_chosen(made)} chosen of {len(made)} ensembles{reason}"


def record(made: Mapping[str, Ensemble]) -> dict[str, Any]:
    """What ``metrics/ensemble/S.json`` says of the ensembles: their rules and scores, and which is chosen."""
    blocks = {
        name: {"validation": asdict(ensemble.score), **rules.record(ensemble.rule, ensemble.members)}
        for name, ensemble in made.items()
    }
    return {"combiners": blocks, "chosen": _chosen(made) if made else None}


def _chosen(made: Mapping[str, Ensemble]) -> str:
    return choosing.chosen({name: ensemble.score for name, ensemble in made.items()})


def _validation(members: Mapping[str, Predictions], groups: pd.Series[str], seed: int) -> Validation:
    parts = [member.of("validation") for member in members.values()]
    first, names = parts[0], of_images(parts[0].image_ids, groups)
    if first.multi_label:
        names = np.repeat(names, len(first.classes)).tolist()
    labels, _ = decided(first.labels, first.probabilities)
    probabilities = np.stack([decided(part.labels, part.probabilities)[1] for part in parts])
    return Validation(probabilities, labels, choosing.folds(labels, names, probabilities.shape[2], seed))


def _fitted(validation: Validation, name: str) -> tuple[Fitted, Score]:
    return COMBINERS[name](validation.probabilities, validation.labels), choosing.scored(name, validation)


def _ensemble(members: Mapping[str, Predictions], fitted: Fitted, score: Score) -> Ensemble:
    several = next(iter(members.values())).multi_label
    rule: Rule = ByFinding(fitted) if several else fitted
    probabilities = rule.combine(np.stack([member.probabilities for member in members.values()]))
    combined = replace(next(iter(members.values())), probabilities=probabilities)
    return Ensemble(combined, tuple(members), rule, score)
