"""How several models' probabilities become one: plain numbers that can be written down, and computed anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from medcnn.core import files
from medcnn.core.arrays import Floats, Truths
from medcnn.measures.calibration import scaled
from medcnn.measures.findings import apart, together
from medcnn.measures.metrics import SMALLEST

if TYPE_CHECKING:
    from medcnn.results.ensembles import Combiner

Join = Literal["mean", "concat"]


@dataclass(frozen=True)
class WeightedMean:
    """The weighted mean of the models.

    Attributes:
        weights: of each model, 0 or more; they are divided by their sum, which rounding has moved off 1.
    """

    weights: tuple[float, ...]

    @property
    def shares(self) -> Floats:
        """The weights (M,), summing to 1."""
        return np.array(self.weights) / sum(self.weights)

    def combine(self, probabilities: Floats) -> Floats:
        """Raw probabilities (N, C) of the ensemble."""
        mean: Floats = np.tensordot(self.shares, probabilities, axes=1)
        return mean

    def undecided(self, probabilities: Floats, tolerance: float) -> Truths:
        """Images (N,) that a small difference decides: none, as a mean moves no further than what it is taken of."""
        return np.zeros(probabilities.shape[1], bool)


@dataclass(frozen=True)
class Vote:
    """Majority vote as probabilities: (votes + mean probability) / (M + 1), for each class.

    The mean probability counts as one more vote that is shared, so that it decides ties and never overrules a
    majority. It is raised to ``SMALLEST``: no class gets probability 0.
    """

    def combine(self, probabilities: Floats) -> Floats:
        """Raw probabilities (N, C) of the ensemble."""
        ballots = np.eye(probabilities.shape[2])[probabilities.argmax(axis=2)].sum(axis=0)
        likely = probabilities.mean(axis=0).clip(SMALLEST)
        votes: Floats = (ballots + likely / likely.sum(axis=1, keepdims=True)) / (len(probabilities) + 1)
        return votes

    def undecided(self, probabilities: Floats, tolerance: float) -> Truths:
        """Images (N,) whose vote is a near tie: a model gives its two likeliest classes the same within a tolerance."""
        second, likeliest = np.moveaxis(np.sort(probabilities, axis=2), 2, 0)[-2:]
        return np.asarray((likeliest - second <= tolerance).any(axis=0))


@dataclass(frozen=True)
class Dense:
    """A trained softmax on the models' probabilities.

    Attributes:
        join: how the F features are made: the mean of the models (F = C), or all of them side by side (F = M * C).
        kernel: F rows of C numbers.
        bias: C numbers.
    """

    join: Join
    kernel: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]

    def combine(self, probabilities: Floats) -> Floats:
        """Raw probabilities (N, C) of the ensemble."""
        logits = joined(self.join, probabilities) @ np.array(self.kernel) + np.array(self.bias)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        dense: Floats = odds / odds.sum(axis=1, keepdims=True)
        return dense

    def undecided(self, probabilities: Floats, tolerance: float) -> Truths:
        """Images (N,) that a small difference decides: none, as a softmax has no jumps."""
        return np.zeros(probabilities.shape[1], bool)


Fitted = WeightedMean | Vote | Dense
"""What combiners fit, on items of one class each."""


@dataclass(frozen=True)
class ByFinding:
    """A rule for the decision about each of several findings, absent or present, on its own.

    Attributes:
        decide: joins the probabilities of decisions, which are of two classes.
    """

    decide: Fitted

    def combine(self, probabilities: Floats) -> Floats:
        """Raw probabilities (N, K) of the ensemble."""
        return together(self.decide.combine(apart(probabilities)), probabilities.shape[-1])

    def undecided(self, probabilities: Floats, tolerance: float) -> Truths:
        """Images (N,) of which a small difference decides some finding."""
        images, findings = probabilities.shape[1:]
        of_decisions = self.decide.undecided(apart(probabilities), tolerance)
        return np.asarray(of_decisions.reshape(images, findings).any(axis=1))


Rule = Fitted | ByFinding
"""``combine`` joins the raw probabilities (M, N, C) of M models; ``undecided`` names the images for which differences
below a tolerance may give quite another result."""


@dataclass(frozen=True)
class Cascade:
    """When the first model answers: where its calibrated confidence is above the threshold.

    Attributes:
        temperature: divides the first model's logits, in ``calibration.COLDEST``..``calibration.HOTTEST``.
        threshold: 0, and the first model answers every image, to 1, and it answers none.
    """

    temperature: float
    threshold: float

    def first_answers(self, first: Floats) -> Truths:
        """For which images (N,) the first model answers, from its probabilities (N, C)."""
        return confidence(scaled(first, self.temperature)) > self.threshold

    def combine(self, probabilities: Floats) -> Floats:
        """The first model's calibrated probabilities where it answers, else the second's: (N, C) of (2, N, C)."""
        first, second = probabilities
        return np.where(self.first_answers(first)[:, None], scaled(first, self.temperature), second)

    def undecided(self, probabilities: Floats, tolerance: float) -> Truths:
        """Images (N,) for which a difference below a tolerance may decide which model answers."""
        certain = confidence(scaled(probabilities[0], self.temperature))
        even: Truths = np.abs(certain - self.threshold) <= tolerance
        return even


def confidence(probabilities: Floats) -> Floats:
    """The probability (N,) of the most probable class."""
    return probabilities.max(axis=1)


def joined(join: Join, probabilities: Floats) -> Floats:
    """The features (N, F) of a dense softmax, from the models' probabilities (M, N, C)."""
    return probabilities.mean(axis=0) if join == "mean" else np.concatenate(list(probabilities), axis=1)


def as_written(numbers: Floats) -> Any:
    """An array as nested tuples, rounded to the digits that metrics are written with: what is read is what decided."""

    def tuples(value: Any) -> Any:
        return tuple(map(tuples, value)) if isinstance(value, list) else value

    return tuples((numbers.round(files.DIGITS) + 0.0).tolist())


def needed(rule: Rule, members: tuple[str, ...]) -> tuple[str, ...]:
    """The members that must be run; one without weight changes nothing."""
    if isinstance(rule, ByFinding):
        return needed(rule.decide, members)
    if not isinstance(rule, WeightedMean):
        return members
    return tuple(member for member, weight in zip(members, rule.weights, strict=True) if weight)


def record(rule: Rule, members: tuple[str, ...]) -> dict[str, Any]:
    """A rule as it is written: the members in their order, and its numbers."""
    if isinstance(rule, ByFinding):
        return record(rule.decide, members)
    block: dict[str, Any] = {"members": members}
    if isinstance(rule, WeightedMean):
        block["weights"] = dict(zip(members, rule.weights, strict=True))
    if isinstance(rule, Dense):
        block["dense"] = {"kernel": rule.kernel, "bias": rule.bias}
    return block


def read(combiner: str, made: Combiner, by_finding: bool = False) -> tuple[tuple[str, ...], Rule]:
    """The members that must be run, and the rule for them, of an ensemble as it was written."""
    if by_finding:
        members, rule = read(combiner, made)
        return members, rule if isinstance(rule, ByFinding) else ByFinding(rule)
    if made.weights is not None:
        weights = {member: made.weights[member] for member in made.members}
        members = needed(WeightedMean(tuple(weights.values())), tuple(weights))
        return members, WeightedMean(tuple(weights[member] for member in members))
    if made.dense is None:
        return made.members, Vote()
    join: Join = "mean" if combiner == "mean_dense" else "concat"
    return made.members, Dense(join, made.dense.kernel, made.dense.bias)
