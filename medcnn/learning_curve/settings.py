"""What ``learning_curve`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.judging.evaluate import Confident
from medcnn.params.shared.base import Name, Seed, View
from medcnn.params.shared.classes import Prepared
from medcnn.params.shared.compute import Computed
from medcnn.params.shared.models import Model
from medcnn.params.shared.policies import Policy


class Settings(View):
    """The params of the stage: those of a training, and how figures are judged."""

    seed: Seed
    augment: dict[Name, Policy]
    compute: Computed
    models: dict[Name, Model]
    evaluate: Confident
    studies: dict[Name, Prepared]
