"""What ``prepare`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.shared.base import Name, Seed, View
from medcnn.params.shared.images import Images
from medcnn.params.shared.policies import Policy


class Study(View):
    """How the images of a study are resized and augmented."""

    images: Images


class Settings(View):
    """The params of the stage."""

    seed: Seed
    augment: dict[Name, Policy]
    studies: dict[Name, Study]
