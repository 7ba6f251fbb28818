"""Probabilities per image: what every model, chain, ensemble and cascade hands on to be evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from medcnn.core import tables
from medcnn.core.errors import MedcnnError
from medcnn.dataset import truths
from medcnn.dataset.manifest import SPLITS
from medcnn.dataset.truths import Truth
from medcnn.params.shared.classes import Findings

PREFIX = "p_"
LABEL, FINDINGS = "label", "findings"
"""The column of the truth; its name says whether probabilities are of one class or of several findings."""
SCHEMAS = {
    truth: tables.Schema(
        "a CSV of predictions", {"image_id": str, "split": str, truth: str}, key="image_id", others=float, prefix=PREFIX
    )
    for truth in (LABEL, FINDINGS)
}
SUM_TOLERANCE = 1e-4
_ROUNDING = 1e-6
_PARTS = pd.CategoricalDtype(list(SPLITS))


@dataclass(frozen=True)
class Predictions:
    """One model's probabilities.

    Attributes:
        classes: class names, in the order of the columns; ``Findings`` of a multi-label study.
        image_ids: (N,) names of images, each once; given as any sequence.
        splits: (N,) train, validation or test, missing for images without a part; given as any sequence.
        labels: (N,) indices into ``classes``, the truth; of findings (N, C), 1 where an image has it and 0 where not.
        probabilities: (N, C) float64, each row summing to 1; of findings each probability is on its own.
    """

    classes: tuple[str, ...]
    image_ids: pd.Index[str]
    splits: pd.Categorical
    labels: Truth
    probabilities: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, "image_ids", pd.Index(self.image_ids, dtype=tables.TEXT, copy=False))
        if getattr(self.splits, "dtype", None) != _PARTS:
            codes = tables.positions(self.splits, SPLITS)
            object.__setattr__(self, "splits", pd.Categorical.from_codes(codes, dtype=_PARTS))

    def __len__(self) -> int:
        return len(self.image_ids)

    @classmethod
    def of_rows(
        cls, rows: pd.DataFrame, classes: tuple[str, ...], probabilities: npt.NDArray[np.float64]
    ) -> Predictions:
        """Predictions of all images of some rows of the manifest, in their order."""
        splits = pd.Categorical.from_codes(tables.positions(rows["split"], SPLITS), dtype=_PARTS)
        labels = truths.coded(rows["label"], classes)
        return cls(classes, pd.Index(rows["image_id"]), splits, labels, probabilities)

    @property
    def multi_label(self) -> bool:
        """Whether classes are findings, of which an image may have several."""
        return isinstance(self.classes, Findings)

    def of_finding(self, index: int) -> Predictions:
        """The same images with one finding alone, as two classes: without it, and with it."""
        name, present = self.classes[index], self.probabilities[:, index]
        probabilities = np.stack([1 - present, present], axis=1)
        return replace(self, classes=(f"no {name}", name), labels=self.labels[:, index], probabilities=probabilities)

    def of(self, split: str) -> Predictions:
        """The images of one split, in the same order."""
        return self.at(np.flatnonzero(self.splits == split))

    def at(self, rows: Sequence[int] | npt.NDArray[np.integer]) -> Predictions:
        """The images at these positions, in that order."""
        chosen = np.asarray(rows, np.int64)
        return replace(
            self,
            image_ids=self.image_ids[chosen],
            splits=self.splits[chosen],
            labels=self.labels[chosen],
            probabilities=self.probabilities[chosen],
        )


def write(path: Path, predictions: Predictions) -> None:
    """Write a table of predictions: the image, its split, its class or findings, and a probability per class.

    Raises:
        MedcnnError: a repeated image, an image without a split, a probability that is not a number from 0 to 1, or a
            row that does not sum to 1.
    """
    predictions = replace(predictions, probabilities=_without_rounding_errors(predictions.probabilities))
    tables.check_unique(predictions.image_ids, f"{path}, image")
    _check(path, predictions)
    columns = {
        "image_id": predictions.image_ids,
        "split": predictions.splits,
        FINDINGS if predictions.multi_label else LABEL: truths.named(predictions.labels, predictions.classes),
        **{
            PREFIX + name: column for name, column in zip(predictions.classes, predictions.probabilities.T, strict=True)
        },
    }
    tables.write(path, pd.DataFrame(columns, copy=False))


def read(path: Path) -> Predictions:
    """Read a table of predictions.

    Raises:
        MedcnnError: the file is missing or is not such a table; the line names the file, and the line or the image.
    """
    truth = _truth_column(path)
    schema = SCHEMAS[truth]
    table = tables.read(path, schema)
    names = [column.removeprefix(PREFIX) for column in table.columns[len(schema.columns) :]]
    classes = Findings(names) if truth == FINDINGS else tuple(names)
    if len(classes) < 2:
        raise MedcnnError(f"{path} is not {schema.name}: it has fewer than two columns {PREFIX}<class>")
    predictions = Predictions(
        classes=classes,
        image_ids=pd.Index(table["image_id"]),
        splits=pd.Categorical.from_codes(_codes(path, table, "split", SPLITS), dtype=_PARTS),
        labels=_codes(path, table, truth, classes),
        probabilities=np.column_stack([table[PREFIX + name].to_numpy() for name in classes]),
    )
    _check(path, predictions)
    return predictions


def _truth_column(path: Path) -> str:
    with suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
        if file.readline().split(",")[2:3] == [FINDINGS]:
            return FINDINGS
    return LABEL


def _codes(path: Path, table: pd.DataFrame, column: str, known: Sequence[str]) -> npt.NDArray[np.int64]:
    codes = truths.coded(table[column], known)
    if (strange := truths.unknown(codes)).any():
        row = table.iloc[int(np.argmax(strange))]
        raise MedcnnError(
            f"{path}, image {row['image_id']}: unknown {column} '{row[column]}'; one of {', '.join(known)}"
        )
    return codes


def read_all(paths: Mapping[str, Path]) -> dict[str, Predictions]:
    """Read the predictions of several models, one file each, joined by image.

    Raises:
        MedcnnError: see ``read`` and ``joined``.
    """
    return joined((name, read(path)) for name, path in paths.items())


def joined(named: Iterable[tuple[str, Predictions]]) -> dict[str, Predictions]:
    """The tables of several models, every one in the image order of the first, whose ids and splits they share.

    Raises:
        MedcnnError: a model covers other images, or knows an image by another split or class.
    """
    found: dict[str, Predictions] = {}
    for name, table in named:
        first = next(iter(found), name)
        found[name] = _in_order_of(first, found.get(first, table), name, table)
    return found


def check_images(name: str, table: Predictions, rows: pd.DataFrame) -> None:
    """Check that a model's predictions cover what the split recorded, so that no figure is of some images only.

    Args:
        name: of the model.
        table: its predictions.
        rows: image_id, split and label of the used images of the manifest; those without a part are not to be
            predicted.

    Raises:
        MedcnnError: an image is on one side alone, or has another part or class; the line names it.
    """
    recorded = rows[rows["split"] != ""]
    where = tables.positions(recorded["image_id"], table.image_ids)
    stranger = tables.positions(table.image_ids, recorded["image_id"]) < 0
    codes = truths.coded(recorded["label"], table.classes)
    parts = tables.positions(recorded["split"], SPLITS)
    known = where >= 0
    differs = ~known
    differs[known] = truths.differ(table.labels[where[known]], codes[known])
    differs[known] |= table.splits.codes[where[known]] != parts[known]
    if differs.any():
        row = recorded.iloc[int(np.argmax(differs))]
        place = int(where[np.argmax(differs)])
        ours, theirs = f"'{row['label']}' in {row['split']}", _truth(table, place) if place >= 0 else "missing"
        raise MedcnnError(f"image {row['image_id']} is {theirs} for '{name}' but {ours} in the split; run `dvc repro`")
    if stranger.any():
        place = int(np.argmax(stranger))
        raise MedcnnError(
            f"image {table.image_ids[place]} is {_truth(table, place)} for '{name}' but missing in the split; "
            "run `dvc repro`"
        )


def _truth(table: Predictions, place: int) -> str:
    return f"'{truths.named(table.labels[[place]], table.classes)[0]}' in {table.splits[place]}"


def _without_rounding_errors(probabilities: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A mean of probabilities may end a few bits outside 0..1; anything further out is left for the check."""
    clipped = probabilities.clip(0, 1)
    return np.where(np.abs(clipped - probabilities) < _ROUNDING, clipped, probabilities)


def _check(path: Path, predictions: Predictions) -> None:
    values = predictions.probabilities
    faults = {
        f"no split; one of {', '.join(SPLITS)}": predictions.splits.codes < 0,
        "a probability is NaN": np.isnan(values).any(axis=1),
        "a probability is outside 0..1": ((values < 0) | (values > 1)).any(axis=1),
    }
    if not predictions.multi_label:
        faults[f"the probabilities do not sum to 1 within {SUM_TOLERANCE:g}"] = (
            np.abs(values.sum(axis=1) - 1) > SUM_TOLERANCE
        )
    for fault, rows in faults.items():
        if rows.any():
            image_id = predictions.image_ids[int(np.argmax(rows))]
            raise MedcnnError(f"{path}, image {image_id}: {fault}; train this model again")


def _in_order_of(first_name: str, first: Predictions, name: str, table: Predictions) -> Predictions:
    if table.classes != first.classes:
        raise MedcnnError(
            f"predictions of '{name}' have the classes {', '.join(table.classes)}, "
            f"those of '{first_name}' {', '.join(first.classes)}; run `dvc repro` so that they agree"
        )
    order = tables.positions(first.image_ids, table.image_ids)
    if (order < 0).any():
        raise _lacking(name, first.image_ids[int(np.argmax(order < 0))], first_name)
    if len(table) > len(first):
        strangers = tables.positions(table.image_ids, first.image_ids) < 0
        raise _lacking(first_name, table.image_ids[int(np.argmax(strangers))], name)
    ordered = table.at(order)
    differs = truths.differ(ordered.labels, first.labels) | (ordered.splits.codes != first.splits.codes)
    if differs.any():
        row = int(np.argmax(differs))
        raise MedcnnError(
            f"image {first.image_ids[row]} is {_truth(ordered, row)} for '{name}' but {_truth(first, row)} "
            f"for '{first_name}'; run `dvc repro`"
        )
    return replace(first, probabilities=ordered.probabilities)


def _lacking(name: str, image_id: str, other: str) -> MedcnnError:
    return MedcnnError(f"predictions of '{name}' lack image {image_id} of '{other}'; run `dvc repro`")
