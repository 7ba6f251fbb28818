"""What is measured here: columns of figures, each whole from one run, merged without mixing runs or data sets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from medcnn.core.errors import MedcnnError
from medcnn.params.shared.base import Block, Sha256
from medcnn.params.splits import OnLeak
from medcnn.results.base import read
from medcnn.results.data import Download, Split
from medcnn.results.evaluated import Evaluated
from medcnn.runtime import paths

ColumnName = Literal["honest", "as_published", "best_here"]


class Column(Block):
    """What a column was measured on.

    Attributes:
        on_leak: ``studies.S.split.on_leak`` of that run.
        raw_sha256: of the raw archive; columns of different archives are never set side by side.
        fingerprint: of the images used, as in ``metrics/split``.
        test_images: how many images the figures rest on.
        images: how many images all parts have; none where that was not noted.
    """

    on_leak: OnLeak
    raw_sha256: Sha256
    fingerprint: Sha256
    test_images: int
    images: int | None = None


class Figures(Block):
    """A model on the test part: accuracy, cross-entropy in nats, and the number of images."""

    accuracy: float | None
    cross_entropy: float | None
    images: int


@dataclass(frozen=True)
class Measured:
    """A column: where it comes from, and the figures of every model by name."""

    column: Column
    figures: Mapping[str, Figures]


def on_disk(study: str, best_here: str) -> dict[ColumnName, Measured]:
    """The column that the last run of a study measured; none where it was not run.

    Args:
        study: its name.
        best_here: the model that is best here: a run of it alone, on the honest split, has a column of its own.

    Raises:
        MedcnnError: the figures are not of the split that lies beside them, or of an older version.
    """
    split, evaluated = paths.metrics("split", study), paths.metrics("evaluate", study)
    if not (split.exists() and evaluated.exists()):
        return {}
    data = read(split, Split)
    if not _of_one_run(study):
        raise MedcnnError(f"{evaluated} is not of the run that made {split}; run `dvc repro` for {study} again")
    column = Column(
        on_leak=data.on_leak,
        raw_sha256=read(paths.metrics("download", study), Download).sha256,
        fingerprint=data.fingerprint,
        test_images=sum(data.splits["test"].values()),
        images=sum(sum(part.values()) for part in data.splits.values()),
    )
    models = read(evaluated, dict[str, Evaluated])
    honest: ColumnName = "best_here" if set(models) == {best_here} else "honest"
    name: ColumnName = "as_published" if column.on_leak == "keep" else honest
    return {name: Measured(column, {model: _on_test(found) for model, found in models.items()})}


def merged(earlier: Mapping[ColumnName, Measured], fresh: Mapping[ColumnName, Measured]) -> dict[ColumnName, Measured]:
    """The fresh column whole, and the other one as it was, unless that was measured on another archive."""
    archives = {measured.column.raw_sha256 for measured in fresh.values()}
    kept = {
        name: measured for name, measured in earlier.items() if not archives or measured.column.raw_sha256 in archives
    }
    return {**kept, **fresh}


def _on_test(found: Evaluated) -> Figures:
    accuracy, cross_entropy = (found.test.get(key) for key in ("accuracy", "cross_entropy"))
    return Figures(accuracy=accuracy, cross_entropy=cross_entropy, images=found.test.support)


def _of_one_run(study: str) -> bool:
    """Whether DVC's lock file leads from the split on disk, by every file between, to the evaluation on disk.

    A run that failed half way leaves the evaluation of one split beside the other split.
    """
    stages = yaml.safe_load(paths.LOCK.read_text(encoding="utf-8"))["stages"] if paths.LOCK.exists() else {}
    split, ensemble, evaluate = (stages.get(f"{name}@{study}", {}) for name in ("split", "ensemble", "evaluate"))
    links = (
        (_locked(split, "outs", paths.metrics("split", study)), _md5(paths.metrics("split", study))),
        (_locked(split, "outs", paths.manifest(study)), _locked(ensemble, "deps", paths.manifest(study))),
        (_locked(ensemble, "outs", paths.ensembles(study)), _locked(evaluate, "deps", paths.ensembles(study))),
        (_locked(evaluate, "outs", paths.metrics("evaluate", study)), _md5(paths.metrics("evaluate", study))),
    )
    return all(one is not None and one == other for one, other in links)


def _locked(stage: Mapping[str, Any], part: str, path: Path) -> str | None:
    return next((entry["md5"] for entry in stage.get(part, ()) if entry["path"] == path.as_posix()), None)


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
