"""What ``train`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.base import Name, Seed, View
from medcnn.params.classes import Classes
from medcnn.params.compute import Computed
from medcnn.params.images import Side, Views
from medcnn.params.models import Model
from medcnn.params.policies import Policy


class Images(View):
    """The prepared images."""

    size: Side
    views: Views


class Study(View):
    """What a study is trained on."""

    labels: Classes
    images: Images


class Settings(View):
    """The params of a training."""

    seed: Seed
    augment: dict[Name, Policy]
    compute: Computed
    models: dict[Name, Model]
    studies: dict[Name, Study]
