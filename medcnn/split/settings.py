"""What ``split`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.labels import Labels
from medcnn.params.report import Report
from medcnn.params.shared.base import Name, Seed, View
from medcnn.params.shared.images import Reading
from medcnn.params.splits import Split


class Study(View):
    """How the images of a study are read, labelled and dealt."""

    labels: Labels
    split: Split
    images: Reading = Reading()


class Settings(View):
    """The params of the stage."""

    seed: Seed
    studies: dict[Name, Study]
    report: Report = Report()
