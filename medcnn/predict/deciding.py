"""From calibrated probabilities to what a row says: the predicted class and the prediction set."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from medcnn.core.errors import BAD_INPUT, MedcnnError
from medcnn.inference.card import Card

NOTE = "For research. Not a medical device."
OPERATING = "operating"
SEPARATOR, NO_FINDING = "|", "no finding"
"""As labels of several findings are written, see ``medcnn.params.shared.classes``, which needs more than NumPy."""


class ThresholdError(MedcnnError):
    """A wrong ``--threshold``; the text names the choices."""

    exit_code = BAD_INPUT


def thresholds(wanted: Sequence[str], card: Card) -> dict[str, float]:
    """By class, the probability from which it is predicted; empty where the most probable class is.

    Args:
        wanted: what the command line says: "0.3", "CLASS=0.3" or "operating".
        card: the model's.

    Raises:
        ThresholdError: it does not fit this model.
    """
    found: dict[str, float] = {}
    for text in wanted:
        found |= _operating(card) if text == OPERATING else dict([_one(text, card)])
    return found


def _operating(card: Card) -> dict[str, float]:
    points = {name: level for name, level in card.operating_points.items() if level is not None}
    if not points:
        raise ThresholdError(f"--threshold {OPERATING}: this model has no operating point; give CLASS=NUMBER")
    return points


def _one(text: str, card: Card) -> tuple[str, float]:
    """The class and the probability that "CLASS=0.3" or "0.3" stand for."""
    # A class may have a = in its name, a number has none.
    name, mark, number = text.rpartition("=")
    if not mark:
        if len(card.class_names) > 2 or not card.positive or card.multi_label:
            raise ThresholdError(f"--threshold {text}: {_choices(card)}")
        name = card.positive
    try:
        level = float(number)
    except ValueError:
        level = math.nan
    if name not in card.class_names or not 0 <= level <= 1:
        raise ThresholdError(f"--threshold {text}: {_choices(card)}")
    return name, level


def _choices(card: Card) -> str:
    number = "a number from 0 to 1" if len(card.class_names) == 2 and card.positive else ""
    named = f"CLASS=NUMBER with a class of {', '.join(card.class_names)} and a number from 0 to 1"
    return f"choose from {', '.join(filter(None, [number, named, OPERATING]))}"


def predicted(probabilities: np.ndarray, card: Card, levels: Mapping[str, float]) -> str | None:
    """What is predicted of one image: ``predicted_class``, or of several findings the names of those that it has."""
    if not card.multi_label:
        return predicted_class(probabilities, card.class_names, levels)
    return SEPARATOR.join(_reaching(probabilities, card, levels)) or NO_FINDING


def _reaching(probabilities: np.ndarray, card: Card, levels: Mapping[str, float | None]) -> list[str]:
    """The findings that reach their threshold, or have none and are likelier than not."""
    chances = zip(card.class_names, probabilities.tolist(), strict=True)
    known = ((name, chance, levels.get(name)) for name, chance in chances)
    return [name for name, chance, level in known if (chance > 0.5 if level is None else chance >= level)]


def predicted_class(probabilities: np.ndarray, class_names: Sequence[str], levels: Mapping[str, float]) -> str | None:
    """The predicted class of one image; None where every class has a threshold and none reaches it.

    The most probable of the classes that reach their threshold; where none does, of those that have none.
    """
    above = [index for index, name in enumerate(class_names) if name in levels and probabilities[index] >= levels[name]]
    among = above or [index for index, name in enumerate(class_names) if name not in levels]
    return class_names[max(among, key=lambda index: probabilities[index])] if among else None


def prediction_set(probabilities: np.ndarray, card: Card) -> list[str]:
    """The classes that the image may be of, so that the truth is among them as often as the card's coverage says.

    Of several findings those that reach their operating point.
    """
    if card.multi_label:
        return _reaching(probabilities, card, card.operating_points)
    inside = 1 - probabilities <= card.conformal_threshold
    return [name for name, is_in in zip(card.class_names, inside, strict=True) if is_in]
