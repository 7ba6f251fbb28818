"""What ``stress`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.base import Name, Seed, View
from medcnn.params.classes import Classes
from medcnn.params.evaluate import Confident
from medcnn.params.images import Views
from medcnn.params.policies import Policy


class Images(View):
    """How test images are augmented."""

    views: Views


class Study(View):
    """What a study is tried on."""

    labels: Classes
    images: Images


class Settings(View):
    """The params of the stage."""

    seed: Seed
    augment: dict[Name, Policy]
    evaluate: Confident
    studies: dict[Name, Study]
