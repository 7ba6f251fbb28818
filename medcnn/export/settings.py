"""What ``export`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.judging.benchmark import Quantisation
from medcnn.params.judging.evaluate import Decided
from medcnn.params.shared.base import Name, Seed, View
from medcnn.params.shared.classes import Prepared
from medcnn.params.shared.compute import Repeatable
from medcnn.params.shared.run import Trained


class Settings(View):
    """The params of the export of a network."""

    seed: Seed
    compute: Repeatable = Repeatable()
    evaluate: Decided
    benchmark: Quantisation
    studies: dict[Name, Prepared]


class CombinedSettings(Settings):
    """The params of the export of ensembles and cascades."""

    run: Trained
