"""What ``explain`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.report import Report
from medcnn.params.shared.base import Name, Seed, View
from medcnn.params.shared.classes import Labelled
from medcnn.params.shared.compute import Repeatable
from medcnn.params.shared.run import Trained


class Settings(View):
    """The params of the stage."""

    seed: Seed
    compute: Repeatable = Repeatable()
    run: Trained
    studies: dict[Name, Labelled]
    report: Report = Report()
