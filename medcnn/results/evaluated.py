"""``metrics/evaluate/S.json``: how good the models are."""

from __future__ import annotations

from medcnn.results.base import Figures, Number, Record
from medcnn.results.decisions import Conformal, Consequences, OperatingPoint
from medcnn.results.measured import Calibration, Measured, Scored, Subgroups


class Membership(Record):
    """How well training images are distinguished from test images by the loss, see ``measures.membership``."""

    auroc: Number
    auroc_low: Number
    auroc_high: Number
    advantage: Number
    members: int
    others: int


class Crossval(Record):
    """One model over folds and repeats.

    Attributes:
        folds: those that count in pooled figures, mean and spread.
        cells: figures by "FOLD-REPEAT".
        pooled: over the test parts of all folds.
        spread: standard deviation over cells.
    """

    folds: tuple[int, ...]
    repeats: tuple[int, ...]
    images: int
    groups: int
    cells: dict[str, Figures]
    pooled: Figures
    mean: Figures
    spread: Figures


class Evaluated(Record):
    """All figures of one model.

    Prediction sets are None where images have several findings, consequences and membership in files of older versions,
    membership of what fold ensembles are part of, the last two where there are no subgroups, or a single cell.
    """

    train: Scored
    validation: Measured
    test: Measured
    balance: Number
    average: Number
    composite: Number
    calibration: Calibration
    operating_points: dict[str, OperatingPoint]
    conformal: Conformal | None
    consequences: Consequences | None = None
    membership: Membership | None = None
    subgroups: dict[str, Subgroups] | None = None
    crossval: Crossval | None = None
