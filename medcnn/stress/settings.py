"""What ``stress`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.judging.evaluate import Confident
from medcnn.params.shared.base import Name, Seed, View
from medcnn.params.shared.classes import Prepared
from medcnn.params.shared.compute import Repeatable
from medcnn.params.shared.policies import Policy


class Settings(View):
    """The params of the stage."""

    seed: Seed
    compute: Repeatable = Repeatable()
    augment: dict[Name, Policy]
    evaluate: Confident
    studies: dict[Name, Prepared]
