"""The results of one study, in the project's folder or in a base laid out like it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from medcnn.dataset import predictions
from medcnn.dataset.predictions import Predictions
from medcnn.results.base import Figures, read
from medcnn.review.base import Base
from medcnn.runtime import paths


class OnTest(Figures):
    """Figures on test; those of single classes are not reviewed."""

    classes: Any = None


class Reviewed(BaseModel):
    """What a review reads of one model. A base may lack figures that the project knows now, or know others."""

    test: OnTest


class Chosen(BaseModel):
    """What a review reads of ``metrics/comparisons/S.json``."""

    best: str
    ranking: tuple[str, ...]


class Images(BaseModel):
    """What a review reads of ``metrics/split/S.json``."""

    fingerprint: str


@dataclass(frozen=True)
class Results:
    """What a run found out about a study.

    Attributes:
        study: its name.
        best: the chosen model, ``comparisons.best``.
        ranking: all models, by accuracy on test, the highest first.
        evaluated: figures by model.
        fingerprint: of the images and their labels.
        table: the chosen model's predictions; None where they cannot be had.
    """

    study: str
    best: str
    ranking: tuple[str, ...]
    evaluated: dict[str, Reviewed]
    fingerprint: str
    table: Predictions | None

    @property
    def test(self) -> OnTest:
        """The chosen model's figures on test."""
        return self.evaluated[self.best].test


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
        yield Pair(here(study), brought(study, base))


def here(study: str) -> Results:
    """What the project's folder holds of a study.

    Raises:
        MedcnnError: there are no results of it.
    """
    return _read(Path(), study)


def brought(study: str, base: Base) -> Results | None:
    """What a revision holds of a study; None where it has no results of it."""
    for path in _recorded(study):
        base.bring(path)
    if not all((base.root / path).exists() for path in _recorded(study)):
        return None
    chosen = read(base.root / paths.metrics("comparisons", study), Chosen)
    base.bring(paths.predicted(study, chosen.best))
    return _read(base.root, study)


def _read(root: Path, study: str) -> Results:
    evaluated, compared, split = (root / path for path in _recorded(study))
    chosen = read(compared, Chosen)
    return Results(
        study=study,
        best=chosen.best,
        ranking=chosen.ranking,
        evaluated=read(evaluated, dict[str, Reviewed]),
        fingerprint=read(split, Images).fingerprint,
        table=_table(root / paths.predicted(study, chosen.best)),
    )


def _recorded(study: str) -> tuple[Path, ...]:
    return tuple(paths.metrics(stage, study) for stage in ("evaluate", "comparisons", "split"))


def _table(path: Path) -> Predictions | None:
    return predictions.read(path) if path.exists() else None
