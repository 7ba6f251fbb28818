"""The results of one study, in the project's folder or in a base laid out like it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import predictions
from medcnn.dataset.predictions import Predictions
from medcnn.review.base import Base
from medcnn.runtime import paths


@dataclass(frozen=True)
class Results:
    """What a run found out about a study.

    Attributes:
        study: its name.
        best: the chosen model, ``comparisons.best``.
        ranking: all models, by accuracy on test, the highest first.
        evaluated: ``metrics/evaluate/S.json``, by model.
        fingerprint: of the images and their labels.
        table: the chosen model's predictions; None where they cannot be had.
    """

    study: str
    best: str
    ranking: tuple[str, ...]
    evaluated: dict[str, Any]
    fingerprint: str
    table: Predictions | None

    @property
    def test(self) -> dict[str, Any]:
        """The chosen model's figures on test."""
        return dict(self.evaluated[self.best]["test"])


@dataclass(frozen=True)
class Pair:
    """One study now and at the base; ``before`` is None where the base has no results of it."""

    now: Results
    before: Results | None


def pairs(studies: tuple[str, ...], base: Base) -> Iterator[Pair]:
    """Every study of the run with what the base knows of it.

    Raises:
        MedcnnError: a study has no results now.
    """
    for study in studies:
        for path in _recorded(study):
            if not path.exists():
                raise MedcnnError(f"{path} not found; run `dvc repro` to make it")
        yield Pair(_read(Path(), study), _brought(study, base))


def _brought(study: str, base: Base) -> Results | None:
    for path in _recorded(study):
        base.bring(path)
    if not all((base.root / path).exists() for path in _recorded(study)):
        return None
    base.bring(paths.predicted(study, _chosen(base.root, study)))
    return _read(base.root, study)


def _read(root: Path, study: str) -> Results:
    best = _chosen(root, study)
    return Results(
        study=study,
        best=best,
        ranking=tuple(files.read_json(root / paths.metrics("comparisons", study))["ranking"]),
        evaluated=files.read_json(root / paths.metrics("evaluate", study)),
        fingerprint=files.read_json(root / paths.metrics("split", study))["fingerprint"],
        table=_table(root / paths.predicted(study, best)),
    )


def _recorded(study: str) -> tuple[Path, ...]:
    return tuple(paths.metrics(stage, study) for stage in ("evaluate", "comparisons", "split"))


def _chosen(root: Path, study: str) -> str:
    return str(files.read_json(root / paths.metrics("comparisons", study))["best"])


def _table(path: Path) -> Predictions | None:
    return predictions.read(path) if path.exists() else None
