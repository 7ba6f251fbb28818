"""Folds: which part every image has while one part of the data after another is held out and tested.

Fold 0 is the split itself. A cell is one training of a model, a fold and a repeat; cell (0, 0) is what ``train`` makes.
"""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest
from medcnn.dataset.manifest import Row
from medcnn.runtime import paths

Cell = tuple[int, int]
"""Fold and repeat."""
Parts = Mapping[str, tuple[str, ...]]
"""By image id, its part in each fold: train, validation, test or '' where it has none."""

MAIN: Cell = (0, 0)
PREDICTIONS = "predictions.csv"
MODEL = "model.keras"


def write(path: Path, parts: Parts) -> None:
    """Write a line for each used image, in the manifest's order."""
    count = len(next(iter(parts.values())))
    columns = ("image_id", *(f"fold_{fold}" for fold in range(count)))
    files.write_csv(path, columns, ((image_id, *of_image) for image_id, of_image in parts.items()))


def read(path: Path) -> Parts:
    """Read what ``write`` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        _, *lines = csv.reader(file)
    return {image_id: tuple(parts) for image_id, *parts in lines}


def rows(study: str, fold: int) -> list[Row]:
    """The manifest's used rows, in its order, with their split in a fold; '' for images that have no part in it.

    Raises:
        MedcnnError: the training or the validation part of the fold is without a class.
    """
    used = manifest.used(paths.manifest(study))
    if fold == 0:
        return used
    parts = read(paths.folds(study))
    found = [replace(row, split=parts[row.image_id][fold]) for row in used]
    counts = Counter((row.split, row.label) for row in found)
    for part in ("train", "validation"):
        for label in sorted({row.label for row in found}):
            if not counts[part, label]:
                raise MedcnnError(
                    f"run.folds: fold {fold} of {study} has no '{label}' image in {part}; leave it out, lower "
                    f"studies.{study}.split.folds, or add images"
                )
    return found


def cell(study: str, fold: str, repeat: str) -> Cell:
    """The cell that two arguments of a command name.

    Raises:
        MedcnnError: they are not numbers, or ``split`` made no such fold.
    """
    if not (fold.isdecimal() and repeat.isdecimal()):
        raise MedcnnError(f"fold and repeat are numbers from 0 on, not '{fold}' and '{repeat}'")
    choices = range(len(next(iter(read(paths.folds(study)).values()))))
    if int(fold) not in choices:
        raise MedcnnError(f"{study} has no fold {fold}; choose from {', '.join(map(str, choices))}")
    return int(fold), int(repeat)


def copy_main(study: str, name: str) -> None:
    """Write the main cell of a model, whose predictions ``train`` or ``chain`` has made."""
    folder = paths.cell(study, name, *MAIN)
    with files.replacing(folder / PREDICTIONS) as temporary:
        shutil.copyfile(paths.predictions(study) / f"{name}.csv", temporary)
