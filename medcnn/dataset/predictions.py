"""Probabilities per image: what every model, chain, ensemble and cascade hands on to be evaluated."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset.manifest import SPLITS, Row

KEYS = ("image_id", "split", "label")
PREFIX = "p_"
SUM_TOLERANCE = 1e-4
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Predictions:
    """One model's probabilities.

    Attributes:
        classes: class names, in the order of the columns.
        image_ids: N names of images, each once.
        splits: N of train, validation or test.
        labels: (N,) indices into ``classes``, the truth.
        probabilities: (N, C) float64, each row summing to 1.
    """

    classes: tuple[str, ...]
    image_ids: tuple[str, ...]
    splits: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float64]

    def of(self, split: str) -> Predictions:
        """The images of one split, in the same order."""
        return self.at([index for index, name in enumerate(self.splits) if name == split])

    def at(self, rows: Sequence[int]) -> Predictions:
        """The images at these positions, in that order."""
        chosen = np.asarray(rows, np.int64)
        return replace(
            self,
            image_ids=tuple(self.image_ids[row] for row in rows),
            splits=tuple(self.splits[row] for row in rows),
            labels=self.labels[chosen],
            probabilities=self.probabilities[chosen],
        )


def write(path: Path, predictions: Predictions) -> None:
    """Write a table of predictions: the image, its split, its class by name, and a probability per class.

    Raises:
        MedcnnError: a repeated image, a probability that is none, or a row that does not sum to 1.
    """
    predictions = replace(predictions, probabilities=_without_rounding_errors(predictions.probabilities))
    _check(path, predictions)
    columns = (*KEYS, *(PREFIX + name for name in predictions.classes))
    names = [predictions.classes[label] for label in predictions.labels]
    files.write_csv(
        path,
        columns,
        (
            (image_id, split, name, *(f"{value:.8g}" for value in row))
            for image_id, split, name, row in zip(
                predictions.image_ids, predictions.splits, names, predictions.probabilities, strict=True
            )
        ),
    )


def read(path: Path) -> Predictions:
    """Read a table of predictions.

    Raises:
        MedcnnError: the file is missing or is not such a table; the line names the file and the image.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *lines = list(csv.reader(file)) or [[]]
    except FileNotFoundError as error:
        raise MedcnnError(f"{path} not found; run `dvc repro` to make it") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MedcnnError(f"{path} is not a CSV of predictions: {error}") from error
    classes = _classes(path, header)
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise MedcnnError(f"{path}, line {number}: {len(line)} values for {len(header)} columns")
    predictions = Predictions(
        classes=classes,
        image_ids=tuple(line[0] for line in lines),
        splits=tuple(line[1] for line in lines),
        labels=np.array([_label(path, line, classes) for line in lines], np.int64),
        probabilities=np.array([_numbers(path, line) for line in lines], np.float64).reshape(-1, len(classes)),
    )
    _check(path, predictions)
    return predictions


def read_all(paths: Mapping[str, Path]) -> dict[str, Predictions]:
    """Read the predictions of several models, from a file each, joined by image.

    Raises:
        MedcnnError: see ``read`` and ``joined``.
    """
    return joined({name: read(path) for name, path in paths.items()})


def joined(tables: Mapping[str, Predictions]) -> dict[str, Predictions]:
    """The same tables, every one in the image order of the first.

    Raises:
        MedcnnError: a model covers other images, or knows an image by another split or class.
    """
    if not tables:
        return {}
    first_name, first = next(iter(tables.items()))
    return {name: _in_order_of(first_name, first, name, table) for name, table in tables.items()}


def check_images(name: str, table: Predictions, rows: Iterable[Row]) -> None:
    """Check that a model's predictions cover what the split recorded, so that no figure is of some images only.

    Args:
        name: of the model.
        table: its predictions.
        rows: the used images of the manifest; those without a part are not to be predicted.

    Raises:
        MedcnnError: an image is on one side alone, or has another part or class; the line names it.
    """
    recorded = {row.image_id: f"'{row.label}' in {row.split}" for row in rows if row.split}
    truths = zip(table.labels, table.splits, strict=True)
    predicted = dict(
        zip(table.image_ids, (f"'{table.classes[label]}' in {split}" for label, split in truths), strict=True)
    )
    for image_id in (*recorded, *predicted):
        ours, theirs = recorded.get(image_id, "missing"), predicted.get(image_id, "missing")
        if ours != theirs:
            raise MedcnnError(f"image {image_id} is {theirs} for '{name}' but {ours} in the split; run `dvc repro`")


def _without_rounding_errors(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A mean of probabilities may end a few bits outside 0..1; anything further out is left for the check."""
    clipped = probabilities.clip(0, 1)
    return np.where(np.abs(clipped - probabilities) < _ROUNDING, clipped, probabilities)


def _classes(path: Path, header: Sequence[str]) -> tuple[str, ...]:
    keys, columns = tuple(header[: len(KEYS)]), header[len(KEYS) :]
    named = len(set(columns)) == len(columns) >= 2 and all(column.startswith(PREFIX) for column in columns)
    if keys != KEYS or not named:
        raise MedcnnError(
            f"{path} is not a CSV of predictions; its columns must be {','.join(KEYS)},{PREFIX}<class>,..."
        )
    return tuple(column.removeprefix(PREFIX) for column in columns)


def _label(path: Path, line: Sequence[str], classes: tuple[str, ...]) -> int:
    if line[2] not in classes:
        raise MedcnnError(f"{path}, image {line[0]}: unknown class '{line[2]}'; the columns are {', '.join(classes)}")
    return classes.index(line[2])


def _numbers(path: Path, line: Sequence[str]) -> list[float]:
    try:
        return [float(value) for value in line[len(KEYS) :]]
    except ValueError as error:
        raise MedcnnError(f"{path}, image {line[0]}: a probability is not a number ({error})") from error


def _check(path: Path, predictions: Predictions) -> None:
    repeated = _repeated(predictions.image_ids)
    if repeated is not None:
        raise MedcnnError(f"{path}, image {repeated}: listed twice; every image may appear once")
    for image_id, split in zip(predictions.image_ids, predictions.splits, strict=True):
        if split not in SPLITS:
            raise MedcnnError(f"{path}, image {image_id}: unknown split '{split}'; one of {', '.join(SPLITS)}")
    values = predictions.probabilities
    sums = values.sum(axis=1)
    faults = {
        "a probability is NaN": np.isnan(values).any(axis=1),
        "a probability is outside 0..1": ((values < 0) | (values > 1)).any(axis=1),
        f"the probabilities do not sum to 1 within {SUM_TOLERANCE:g}": np.abs(sums - 1) > SUM_TOLERANCE,
    }
    for fault, rows in faults.items():
        if rows.any():
            image_id = predictions.image_ids[int(np.argmax(rows))]
            raise MedcnnError(f"{path}, image {image_id}: {fault}; train this model again")


def _repeated(image_ids: Sequence[str]) -> str | None:
    seen: set[str] = set()
    for image_id in image_ids:
        if image_id in seen:
            return image_id
        seen.add(image_id)
    return None


def _in_order_of(first_name: str, first: Predictions, name: str, table: Predictions) -> Predictions:
    if table.classes != first.classes:
        raise MedcnnError(
            f"predictions of '{name}' have the classes {', '.join(table.classes)}, "
            f"those of '{first_name}' {', '.join(first.classes)}; run `dvc repro` so that they agree"
        )
    row_of = {image_id: row for row, image_id in enumerate(table.image_ids)}
    wanted = set(first.image_ids)
    for image_id in first.image_ids:
        if image_id not in row_of:
            raise MedcnnError(f"predictions of '{name}' lack image {image_id} of '{first_name}'; run `dvc repro`")
    for image_id in table.image_ids:
        if image_id not in wanted:
            raise MedcnnError(f"predictions of '{first_name}' lack image {image_id} of '{name}'; run `dvc repro`")
    ordered = table.at([row_of[image_id] for image_id in first.image_ids])
    _check_same_truth(first_name, first, name, ordered)
    return ordered


def _check_same_truth(first_name: str, first: Predictions, name: str, table: Predictions) -> None:
    for row, image_id in enumerate(first.image_ids):
        ours = (first.splits[row], first.classes[first.labels[row]])
        theirs = (table.splits[row], table.classes[table.labels[row]])
        if ours != theirs:
            raise MedcnnError(
                f"image {image_id} is '{theirs[1]}' in {theirs[0]} for '{name}' but '{ours[1]}' in {ours[0]} "
                f"for '{first_name}'; run `dvc repro`"
            )
