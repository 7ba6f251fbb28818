"""What is known about a study's images besides their labels, and how figures on them are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from medcnn.dataset import manifest
from medcnn.dataset.manifest import of_images
from medcnn.dataset.predictions import Predictions
from medcnn.evaluate.settings import Settings
from medcnn.grouping import subgroups
from medcnn.measures import statistics
from medcnn.params.judging.evaluate import Judging
from medcnn.results.base import read
from medcnn.results.data import Split
from medcnn.runtime import paths


@dataclass(frozen=True)
class Evidence:
    """The grounds on which the figures of a study are judged.

    Attributes:
        groups: the group (patient joined with duplicates) of each image id; groups are independent of each other.
        patients: whether groups are patients; else only duplicates are grouped.
        subgroups: one column for each kind of subgroup, and one row per image id.
        fold_0_apart: whether cross-validation leaves the test part out, as it does one that the data's author made.
        settings: how figures are judged.
        seed: the root of the bootstrap's draws.
    """

    groups: pd.Series[str]
    patients: bool
    subgroups: pd.DataFrame
    fold_0_apart: bool
    settings: Judging
    seed: int

    def measured(self, table: Predictions) -> dict[str, Any]:
        """All figures of a table with intervals, see ``statistics.measured``."""
        groups = of_images(table.image_ids, self.groups)
        return statistics.measured(table, groups, self.settings, self.seed, self.patients)


def evidence(study: str, settings: Settings) -> Evidence:
    """Read what the split stage found out about a study's images."""
    rows = manifest.used(paths.manifest(study), "image_id", "group")
    found, split = subgroups.read(paths.subgroups(study)), settings.studies[study].split
    return Evidence(
        groups=rows.set_index("image_id")["group"],
        patients=read(paths.metrics("split", study), Split).patients is not None,
        subgroups=found if len(found.columns) else pd.DataFrame(),
        fold_0_apart=split.kind == "author" or split.test_apart,
        settings=settings.evaluate,
        seed=settings.seed,
    )
