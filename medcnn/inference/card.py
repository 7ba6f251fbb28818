"""What an exported model says of itself: all that is needed to feed it an image and to read its answer."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NoReturn, get_args

from medcnn.core.errors import MedcnnError
from medcnn.inference.certainty import Certainty
from medcnn.inference.novelty import Novelty
from medcnn.reading.greys import DEFAULT, Scale, Scaling

FORMAT = "1"
Frames = Literal["all", "first", "middle"]
FITS = ("stretch", "pad", "crop")
PRECISIONS = ("float32", "int8", "mixed")
LARGEST_IMAGE = 4096
MOST_CLASSES = 1000
_LONGEST = 1 << 20
_LONGEST_NAME = 200
_ABOVE_ALL = 1.00001
_LARGEST_GREY = 1e12


@dataclass(frozen=True)
class Card:
    """The metadata of an ONNX file; what was fitted was fitted on validation.

    Attributes:
        study: The study that it was trained on.
        model: The model's name in that study.
        class_names: What each probability is of, in order.
        positive: The class that is looked for; empty where there are more than two and none of them is.
        image_size: Side of the square images, in pixels.
        fit: How an image is brought to that size: stretch, pad or crop.
        precision: float32, int8, or mixed of both.
        temperature: By which the graph divides the logits.
        conformal_threshold: A class is in an image's prediction set where 1 - probability is at most this.
        conformal_coverage: The share of sets that should hold the truth.
        operating_points: By class, the probability from which it is called; None where validation tells none.
        metrics: Figures of training (``train``, of single networks) and of validation (``validation``).
        data_sha256: The fingerprint of the study's images.
        weights_sha256: Of each network's ``model.keras``, by name.
        novelty: Tells images that are unlike the training images.
        frames: Which pictures are taken of a file that has several: all, first or middle.
        greys: How greys and colours deeper than 8 bits are scaled.
        multi_label: Whether classes are findings, of which an image may have several; prediction sets then say nothing.
    """

    study: str
    model: str
    class_names: tuple[str, ...]
    positive: str
    image_size: int
    fit: str
    precision: str
    temperature: float
    conformal_threshold: float
    conformal_coverage: float
    operating_points: Mapping[str, float | None]
    metrics: Mapping[str, Mapping[str, Any]]
    data_sha256: str
    weights_sha256: Mapping[str, str]
    novelty: Novelty
    frames: Frames = "all"
    greys: Scaling = DEFAULT
    multi_label: bool = False

    @property
    def certainty(self) -> Certainty:
        """How sure its answers may be shown."""
        images = self.metrics["validation"].get("images")
        return Certainty(images if isinstance(images, int) else 0)

    @property
    def metadata(self) -> dict[str, str]:
        """The card as ONNX's ``metadata_props``: text as it is, everything else as JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values |= {"format": FORMAT, "novelty": self.novelty.to_json()}
        for key in [key for key, usual in _USUAL.items() if values[key] == usual]:
            del values[key]
        return {key: value if isinstance(value, str) else _json(value) for key, value in values.items()}

    @classmethod
    def read(cls, metadata: Mapping[str, str]) -> Card:
        """The card of a file that may come from anywhere; entries that are no part of it are passed over.

        Raises:
            MedcnnError: An entry is missing or wrong; one line names it.
        """
        if metadata.get("format", FORMAT) != FORMAT:
            _refuse("format", f"{FORMAT} is what this version of medcnn reads", metadata["format"])
        checks = {"format": _of(FORMAT), **_CHECKS}
        read = {
            key: _entry(metadata, key, check) for key, check in checks.items() if key in metadata or key not in _USUAL
        }
        del read["format"]
        card = cls(**read)
        _check_classes(card)
        return card


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False, default=asdict)


def _entry(metadata: Mapping[str, str], key: str, check: Callable[[str], Any]) -> Any:
    if key not in metadata:
        raise MedcnnError(
            f"the model's metadata lacks '{key}': it is no export of medcnn, or of an older version; export it again"
        )
    text = metadata[key]
    try:
        if len(text) > _LONGEST:
            raise ValueError(f"at most {_LONGEST} characters")
        return check(text)
    except (ValueError, KeyError, TypeError, RecursionError, MedcnnError) as error:
        _refuse(key, str(error) or "a readable value", text)


def _refuse(key: str, wanted: str, text: str) -> NoReturn:
    shown = repr(text[:40])[:60] + ("..." if len(text) > 40 else "")
    reason = " ".join(wanted.split())[:_LONGEST_NAME]
    raise MedcnnError(f"the model's metadata, '{key}': {reason} (got {shown}); export the model again") from None


def _of(*choices: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in choices:
            raise ValueError(f"expected {' or '.join(choices)}")
        return text

    return check


def _name(text: Any) -> str:
    if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= _LONGEST_NAME:
        raise ValueError(f"expected 1 to {_LONGEST_NAME} printable characters")
    return text


def _parsed(text: str) -> Any:
    """JSON without the numbers that it does not have, and without those too large for a float."""
    try:
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise ValueError(f"expected JSON, but {error}") from error


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError("expected finite numbers")
    return number


def _number(value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"expected a number from {low:g} to {high:g}")
    return float(value)


def _between(low: float, high: float) -> Callable[[str], float]:
    return lambda text: _number(_parsed(text), low, high)


def _size(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,4}", text) or not 1 <= int(text) <= LARGEST_IMAGE:
        raise ValueError(f"expected a whole number from 1 to {LARGEST_IMAGE}")
    return int(text)


def _classes(text: str) -> tuple[str, ...]:
    names = _parsed(text)
    if not isinstance(names, list) or not 2 <= len(names) <= MOST_CLASSES:
        raise ValueError(f"expected a list of 2 to {MOST_CLASSES} class names")
    found = tuple(_name(name) for name in names)
    if len(set(found)) != len(found):
        raise ValueError("expected every class once")
    return found


def _object(text: str) -> dict[str, Any]:
    value = _parsed(text)
    if not isinstance(value, dict):
        raise ValueError("expected a JSON object")
    return value


def _points(text: str) -> dict[str, float | None]:
    # Where nothing is to be called, the threshold is one step above every probability.
    return {
        _name(key): None if value is None else _number(value, 0, _ABOVE_ALL) for key, value in _object(text).items()
    }


def _metrics(text: str) -> dict[str, dict[str, Any]]:
    value = _object(text)
    if not all(isinstance(block, dict) for block in value.values()) or "validation" not in value:
        raise ValueError("expected objects of figures, one of them 'validation'")
    return value


def _digest(text: Any) -> str:
    if not isinstance(text, str) or not re.fullmatch("[0-9a-f]{64}", text):
        raise ValueError("expected a sha256 in hexadecimal")
    return text


def _digests(text: str) -> dict[str, str]:
    found = {_name(key): _digest(value) for key, value in _object(text).items()}
    if not found:
        raise ValueError("expected the sha256 of at least one network")
    return found


def _truth(text: str) -> bool:
    value = _parsed(text)
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def _greys(text: str) -> Scaling:
    value = _object(text)
    if set(value) != {"scale", "low", "high"} or value["scale"] not in get_args(Scale):
        raise ValueError(f"expected low, high and a scale, one of {', '.join(get_args(Scale))}")
    least, most = (-_LARGEST_GREY, _LARGEST_GREY) if value["scale"] == "values" else (0, 100)
    low = _number(value["low"], least, most)
    return Scaling(value["scale"], low, _number(value["high"], low, most))


def _check_classes(card: Card) -> None:
    if card.positive not in ("", *card.class_names):
        _refuse("positive", "expected one of the class names, or nothing", card.positive)
    for name in card.operating_points:
        if name not in card.class_names:
            _refuse("operating_points", "expected the class names alone", name)


_CHECKS: Mapping[str, Callable[[str], Any]] = {
    "study": _name,
    "model": _name,
    "class_names": _classes,
    "positive": str,
    "image_size": _size,
    "fit": _of(*FITS),
    "precision": _of(*PRECISIONS),
    "temperature": _between(1e-3, 1e3),
    "conformal_threshold": _between(0, 1),
    "conformal_coverage": _between(0, 1),
    "operating_points": _points,
    "metrics": _metrics,
    "data_sha256": _digest,
    "weights_sha256": _digests,
    "novelty": Novelty.from_json,
    "frames": _of(*get_args(Frames)),
    "greys": _greys,
    "multi_label": _truth,
}
_USUAL: Mapping[str, Any] = {"frames": "all", "greys": DEFAULT, "multi_label": False}
"""Entries that only a model of other values has: so files of before they were known are read, and stay as they are."""
