"""Early stopping and learning-rate plateaus as one small state, from which an interrupted training goes on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from medcnn.params.shared.models import Model, Watched


@dataclass(frozen=True)
class Figures:
    """How a network did in one epoch on one part: mean loss, accuracy and, where measured, AUROC in 0..1."""

    loss: float
    accuracy: float
    auroc: float = 0.5

    def __str__(self) -> str:
        return f"loss {self.loss:.4f}, accuracy {self.accuracy:.4f}"

    def score(self, monitor: Watched) -> tuple[float, ...]:
        """A score that is larger for the better epoch; of two with the same figure, the one with the lower loss."""
        match monitor:
            case "loss":
                return (-self.loss,)
            case "accuracy":
                return (self.accuracy, -self.loss)
            case "auroc":
                return (self.auroc, -self.loss)


@dataclass(frozen=True)
class Phase:
    """Epochs in a row that train the same weights.

    Attributes:
        number: 1 or 2.
        settings: what to monitor, for how long to wait, when to lower the rate.
        learning_rate: the rate that it begins with.
        first: how many epochs came before it.
        last: how many epochs there are when it ends, unless patience ends it before.
    """

    number: int
    settings: Model
    learning_rate: float
    first: int
    last: int

    def rates(self, epoch: int, rate: float, steps: int) -> list[float]:
        """The learning rate of each step of an epoch.

        Args:
            epoch: how many came before it.
            rate: the rate without warm-up and schedule.
            steps: how many the epoch has.
        """
        settings, epochs = self.settings, self.last - self.first
        warmup = min(settings.warmup, epochs)
        begun = epoch - self.first + np.arange(steps) / steps
        factor = np.minimum(1, (begun + 1 / steps) / warmup) if warmup else np.ones(steps)
        if settings.schedule == "cosine":
            factor = factor * (1 + np.cos(np.pi * np.maximum(0, begun - warmup) / max(epochs - warmup, 1))) / 2
        return (rate * factor).tolist()


@dataclass(frozen=True)
class Progress:
    """Where a training stands after ``epoch`` epochs, those of earlier phases included.

    Attributes:
        learning_rate: of the next epoch.
        best: the score of the best epoch on validation, as a list; empty before the first.
        improved_epoch: the best epoch of this phase.
        improved: its score.
        plateau: the best figure of this phase that the plateau watches, the larger the better.
        since_reduced: epochs without a better one, since the rate was lowered last.
        history: one line per epoch and part.
        strength: of the penalty of a probe, as scikit-learn's C; None of a head that is trained.
    """

    learning_rate: float = 0.0
    epoch: int = 0
    best_epoch: int = 0
    best: list[float] = field(default_factory=list)
    improved_epoch: int = 0
    improved: list[float] = field(default_factory=list)
    plateau: float = float("-inf")
    since_reduced: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    strength: float | None = None

    @classmethod
    def fitted(cls, train: Figures, validation: Figures, monitor: Watched, strength: float) -> Progress:
        """The state after a head was fitted in one go, whose figures count as those of epoch 0."""
        score, history = list(validation.score(monitor)), _lines(0, train, validation, 0.0)
        return cls(best=score, history=history, strength=strength)

    @property
    def latest(self) -> str:
        """The figures of the last epoch, as they are shown while it trains."""
        train, validation = (Figures(line["loss"], line["accuracy"]) for line in self.history[-2:])
        return f"{train}; validation {validation}"

    def beginning(self, phase: Phase) -> Progress:
        """The state at the start of a phase, with patience anew; the weights that were best so far still are."""
        fresh = replace(self, since_reduced=0, plateau=float("-inf"), improved=[])
        return replace(fresh, learning_rate=phase.learning_rate, improved_epoch=phase.first)

    def after(self, train: Figures, validation: Figures, settings: Model, rate: float | None = None) -> Progress:
        """The state after one more epoch, whose last step had the given rate; ``learning_rate`` unless given."""
        score = list(validation.score(settings.monitor))
        epoch = self.epoch + 1
        return replace(
            self._reduced(validation, settings),
            epoch=epoch,
            best_epoch=epoch if score > self.best else self.best_epoch,
            best=max(score, self.best),
            improved_epoch=epoch if score > self.improved else self.improved_epoch,
            improved=max(score, self.improved),
            history=[*self.history, *_lines(epoch, train, validation, self.learning_rate if rate is None else rate)],
        )

    def finished(self, phase: Phase) -> bool:
        """Whether the epochs of the phase, or its patience, are used up."""
        return self.epoch >= phase.last or self.epoch - self.improved_epoch >= phase.settings.patience

    def _reduced(self, validation: Figures, settings: Model) -> Progress:
        """The state with the learning rate lowered, where the plateau has lasted long enough."""
        rule = settings.plateau
        if rule.patience is None:
            return self
        figure = validation.score(rule.monitor)[0]
        waited = 0 if figure > self.plateau else self.since_reduced + 1
        reduce = waited >= rule.patience
        return replace(
            self,
            plateau=max(figure, self.plateau),
            since_reduced=0 if reduce else waited,
            learning_rate=max(self.learning_rate * rule.factor, rule.minimum) if reduce else self.learning_rate,
        )


def _lines(epoch: int, train: Figures, validation: Figures, learning_rate: float) -> list[dict[str, Any]]:
    """The two lines of an epoch in ``history.csv``."""
    return [
        {
            "epoch": epoch,
            "split": split,
            "loss": figures.loss,
            "accuracy": figures.accuracy,
            "learning_rate": learning_rate,
        }
        for split, figures in (("train", train), ("validation", validation))
    ]
