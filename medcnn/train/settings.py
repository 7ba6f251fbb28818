"""What ``train`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.shared.base import Name, Seed, View
from medcnn.params.shared.classes import Prepared
from medcnn.params.shared.compute import Computed
from medcnn.params.shared.models import Model
from medcnn.params.shared.policies import Policy
from medcnn.params.shared.run import Seeded


class Settings(View):
    """The params of a training."""

    seed: Seed
    augment: dict[Name, Policy]
    compute: Computed
    models: dict[Name, Model]
    studies: dict[Name, Prepared]


class Repeating(Settings):
    """The params of a training with other folds and seeds."""

    run: Seeded
