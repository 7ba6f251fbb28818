"""What ``export`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.base import Name, Seed, View
from medcnn.params.benchmark import Quantisation
from medcnn.params.classes import Classes
from medcnn.params.evaluate import Decided
from medcnn.params.images import Fit, Side
from medcnn.params.run import Trained


class Images(View):
    """How an image becomes one that the network sees."""

    size: Side
    fit: Fit


class Study(View):
    """What the card of an exported model says about its study."""

    labels: Classes
    images: Images


class Settings(View):
    """The params of the export of a network."""

    seed: Seed
    evaluate: Decided
    benchmark: Quantisation
    studies: dict[Name, Study]


class CombinedSettings(Settings):
    """The params of the export of ensembles and cascades."""

    run: Trained
