"""Rows as text, CSV, JSON or JSON lines, written one by one, so that a million of them need no memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from medcnn.core import files
from medcnn.predict.deciding import NO_FINDING, NOTE
from medcnn.predict.fhir import Fhir
from medcnn.predict.model import Model
from medcnn.predict.rows import Row
from medcnn.runtime.console import shown

NO_ANSWER = "no answer: ask a reader"
"""What people read where the prediction set is empty."""
SEPARATOR = "|"
"""Between the classes of a prediction set in CSV."""
FACTS = ("study", "model", "class_names", "positive", "precision", "temperature", "weights_sha256", "data_sha256")
"""What JSON repeats of the card; it adds conformal and novelty thresholds."""
_WIDEST = 40


class Writer(Protocol):
    """A format: the text before the rows, for each row, and after them."""

    def start(self) -> str:
        """What comes before the rows."""

    def row(self, row: Row) -> str:
        """One row, with its line break."""

    def end(self, complete: bool) -> str:
        """What comes after the rows; ``complete`` says whether none is missing."""


def writer(kind: str, model: Model, levels: Mapping[str, float], explained: bool) -> Writer:
    """The writer of a format.

    Args:
        kind: text, csv, json, jsonl or fhir.
        model: what predicts.
        levels: by class, the probability from which it is predicted.
        explained: whether there are pictures of what the model looked at.
    """
    if kind == "text":
        return Text(model, levels)
    if kind == "csv":
        return Csv(model, explained)
    if kind == "fhir":
        return Fhir(model, levels)
    return Json(model, levels) if kind == "json" else JsonLines(model)


class Text:
    """For people: aligned columns, the path last, since its length is not known in advance."""

    def __init__(self, model: Model, levels: Mapping[str, float]) -> None:
        card = model.card
        self._names = card.class_names
        self._threshold = card.novelty.threshold
        self._several = card.multi_label
        self._certainty = card.certainty
        rule = ", ".join(f"{name} from {level:g}" for name, level in levels.items())
        called = f" Called: {rule}." if rule else ""
        limits = f" > and <: surer than {card.certainty.images} validation images support."
        self._title = f"{card.model} of study {card.study}, {card.precision}.{called}{limits} {NOTE}"
        longest = [SEPARATOR.join(self._names)[:_WIDEST], NO_FINDING] if card.multi_label else self._names
        self._called = max(map(len, ("class", "error", *longest)))
        self._set = min(max(len("may be"), len(" ".join(self._names))), _WIDEST)
        self._set = self._set if card.multi_label else max(len(NO_ANSWER), self._set)

    def start(self) -> str:
        """The title and the names of the columns."""
        return f"{self._title}\n{self._line('class', self._names, 'may be', 'image')}\n"

    def row(self, row: Row) -> str:
        """One line."""
        if row.error is not None:
            nothing = [""] * len(self._names)
            return f"{self._line('error', nothing, '', shown(row.path))}: {shown(row.error)}\n"
        figures = [self._figure(probability) for probability in row.probabilities.values()]
        # A class beside an empty set reads as a contradiction: calibration allows none of the classes.
        unanswered = not (row.prediction_set or self._several)
        label, inside = (
            ("-", NO_ANSWER) if unanswered else (row.label or "none", " ".join(row.prediction_set) or "none")
        )
        line = self._line(label, figures, inside, shown(row.path))
        return f"{line}{self._warning(row)}\n"

    def end(self, complete: bool) -> str:
        """Nothing."""
        del complete
        return ""

    def _figure(self, probability: float) -> str:
        sign = self._certainty.beyond(probability)
        limit = self._certainty.limit(probability)
        return f"{sign}{limit:.3f}" if sign else f"{limit:.4f}"

    def _line(self, label: str, figures: Sequence[str], inside: str, path: str) -> str:
        widths = (max(len(name), len("0.0000")) for name in self._names)
        columns = (f"{figure:>{width}}" for figure, width in zip(figures, widths, strict=True))
        return f"{label:<{self._called}}  {'  '.join(columns)}  {inside:<{self._set}}  {path}"

    def _warning(self, row: Row) -> str:
        if not row.unlike:
            return ""
        return f"  (unlike the training images: {row.novelty:.2f}, theirs are up to {self._threshold:.2f})"


class Csv:
    """For spreadsheets and scripts; one line per row, even where a name has a line break."""

    def __init__(self, model: Model, explained: bool) -> None:
        self._names = model.card.class_names
        self._threshold = model.card.novelty.threshold
        self._explained = explained

    def start(self) -> str:
        """The header."""
        columns = ["path", "class", *(f"p_{name}" for name in self._names), "prediction_set"]
        return self._record([*columns, "unlike_training", "novelty", "novelty_threshold", "error"], "explanation")

    def row(self, row: Row) -> str:
        """One record."""
        if row.error is not None:
            return self._record([shown(row.path), *[""] * (len(self._names) + 5), shown(row.error)], "")
        figures = [_figure(probability) for probability in row.probabilities.values()]
        novelty = [str(row.unlike).lower(), _figure(row.novelty), _figure(self._threshold)]
        values = [shown(row.path), row.label or "", *figures, SEPARATOR.join(row.prediction_set), *novelty, ""]
        return self._record(values, row.explanation or "")

    def end(self, complete: bool) -> str:
        """Nothing."""
        del complete
        return ""

    def _record(self, values: list[str], explanation: str) -> str:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow([*values, explanation] if self._explained else values)
        return line.getvalue()


class JsonLines:
    """One object per line."""

    def __init__(self, model: Model) -> None:
        self._threshold = model.card.novelty.threshold

    def start(self) -> str:
        """Nothing."""
        return ""

    def row(self, row: Row) -> str:
        """One object on one line."""
        return _json(as_json(row, self._threshold)) + "\n"

    def end(self, complete: bool) -> str:
        """Nothing."""
        del complete
        return ""


class Json:
    """One document: the model's facts, then the rows; ``complete`` comes last, and is false where it was cut off."""

    def __init__(self, model: Model, levels: Mapping[str, float]) -> None:
        self._facts = _facts(model, levels)
        self._threshold = model.card.novelty.threshold
        self._before = "\n"

    def start(self) -> str:
        """The facts, and the beginning of the rows."""
        lines = (f"  {_json(key)}: {_json(value)},\n" for key, value in self._facts.items())
        return "{\n" + "".join(lines) + '  "predictions": ['

    def row(self, row: Row) -> str:
        """One object on one line."""
        before, self._before = self._before, ",\n"
        return f"{before}    {_json(as_json(row, self._threshold))}"

    def end(self, complete: bool) -> str:
        """The end of the rows and of the document."""
        return f'\n  ],\n  "complete": {_json(complete)}\n}}\n'


def as_json(row: Row, threshold: float) -> dict[str, Any]:
    """A row as JSON has it; where there is an error everything else is null but the path.

    ``class`` is null where no class reaches its threshold.
    """
    novelty = {"score": row.novelty, "threshold": threshold, "unlike_training": row.unlike}
    failed = row.error is not None
    value = {
        "path": _valid(row.path),
        "class": row.label,
        "probabilities": None if failed else row.probabilities,
        "prediction_set": None if failed else row.prediction_set,
        "novelty": None if failed else novelty,
        "error": None if row.error is None else _valid(row.error),
    }
    return value if row.explanation is None else {**value, "explanation": row.explanation}


def _facts(model: Model, levels: Mapping[str, float]) -> dict[str, Any]:
    card = model.card
    return {
        "note": NOTE,
        **{key: getattr(card, key) for key in FACTS},
        "model_sha256": model.sha256,
        "thresholds": levels,
        "conformal": {"threshold": card.conformal_threshold, "coverage": card.conformal_coverage},
    }


def _valid(name: str) -> str:
    """A name with bytes escaped that are not UTF-8, which JSON cannot hold."""
    return "".join(shown(letter) if "\ud800" <= letter <= "\udfff" else letter for letter in name)


def _json(value: Any) -> str:
    return json.dumps(files.rounded(value), ensure_ascii=False)


def _figure(value: float) -> str:
    return f"{value:.{files.DIGITS}f}"
