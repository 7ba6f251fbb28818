"""Folds: which part every image has while one part of the data after another is held out and tested.

Fold 0 is the split itself. A cell is one training of a model, a fold and a repeat; cell (0, 0) is what ``train`` makes.
Beside the numbered folds stands a careless one, drawn image by image, whose test images leak.
"""

from __future__ import annotations

import shutil
from itertools import product
from pathlib import Path
from typing import Literal

import pandas as pd

from medcnn.core import files, tables
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, truths
from medcnn.runtime import paths

Fold = int | Literal["careless"]
Cell = tuple[Fold, int]
"""Fold and repeat."""
PREFIX = "fold_"
SCHEMA = tables.Schema("a table of folds", {"image_id": str}, key="image_id", others=str, prefix=PREFIX)
"""By fold the part of each image: train, validation, test or '' where it has none."""
MAIN: Cell = (0, 0)
CARELESS: Cell = ("careless", 0)
PREDICTIONS = "predictions.csv"
MODEL = "model.keras"


def write(path: Path, parts: pd.DataFrame) -> None:
    """Write the parts of each used image, in the manifest's order."""
    tables.write(path, parts)


def read(path: Path, *folds: Fold) -> pd.DataFrame:
    """Read what ``write`` wrote: the ids of images, and their parts in some folds, or in all.

    Raises:
        MedcnnError: the file is missing or is not a table of folds.
    """
    return tables.read(path, SCHEMA, ("image_id", *map(column, folds)) if folds else None)


def column(fold: Fold) -> str:
    """The column of a fold."""
    return f"{PREFIX}{fold}"


def rows(study: str, fold: Fold) -> pd.DataFrame:
    """The manifest's used rows, in its order, with their split in a fold; '' for images that have no part in it.

    Raises:
        MedcnnError: the training or the validation part of the fold is without a class, or an image is in no fold.
    """
    found = parted(study, fold)
    for part, label in lacking(found) if fold else ():
        raise MedcnnError(
            f"run.folds: fold {fold} of {study} has no '{label}' image in {part}; leave it out, lower "
            f"studies.{study}.split.folds, or add images"
        )
    return found


def parted(study: str, fold: Fold) -> pd.DataFrame:
    """The same whether or not every class is in every part.

    Raises:
        MedcnnError: an image is in no fold.
    """
    used = manifest.used(paths.manifest(study))
    if fold == 0:
        return used
    parts = read(paths.folds(study), fold)
    where = tables.positions(used["image_id"], parts["image_id"])
    if (where < 0).any():
        raise MedcnnError(f"{paths.folds(study)} lacks images of {paths.manifest(study)}; run `dvc repro split`")
    return used.assign(split=parts[column(fold)].array[where])


def lacking(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """The classes that the training or the validation part of some used rows is without, as (part, class)."""
    present = {part: truths.counted(rows["label"][rows["split"] == part]) for part in ("train", "validation")}
    return [pair for pair in product(present, truths.counted(rows["label"])) if pair[1] not in present[pair[0]]]


def without(rows: pd.DataFrame, fold: int) -> pd.DataFrame:
    """The manifest's used rows, the training images of a fold after the first left without a part.

    The folds of cross-validation part training images here; validation and test stay what they are.
    """
    left_out = (rows["split"] == "train") & (rows["fold"] == fold)
    return rows.assign(split=rows["split"].mask(left_out, ""))


def of_training(rows: pd.DataFrame) -> list[int]:
    """The folds, from 1 on, that the training images are in."""
    return sorted(rows.loc[rows["split"] == "train", "fold"].unique().tolist())


def cell(study: str, fold: str, repeat: str) -> Cell:
    """The cell that two arguments of a command name.

    Raises:
        MedcnnError: they are not numbers, or ``split`` made no such fold.
    """
    if not (fold.isdecimal() and repeat.isdecimal()):
        raise MedcnnError(f"fold and repeat are numbers from 0 on, not '{fold}' and '{repeat}'")
    there = read(paths.folds(study)).columns
    if column(int(fold)) not in there:
        choices = [name.removeprefix(PREFIX) for name in there if name.removeprefix(PREFIX).isdecimal()]
        raise MedcnnError(f"{study} has no fold {fold}; choose from {', '.join(choices)}")
    return int(fold), int(repeat)


def folder(study: str, name: str, cell: Cell) -> Path:
    """The folder of what the training of a cell made, other than the main one."""
    return paths.careless(study) / name if cell == CARELESS else paths.cell(study, name, *cell)


def copy_main(study: str, name: str) -> None:
    """Write the main cell of a model, whose predictions ``train`` or ``chain`` has made."""
    folder = paths.cell(study, name, *MAIN)
    with files.replacing(folder / PREDICTIONS) as temporary:
        shutil.copyfile(paths.predictions(study) / f"{name}.csv", temporary)
