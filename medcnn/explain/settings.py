"""What ``explain`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.base import Name, Seed, View
from medcnn.params.classes import Labelled
from medcnn.params.run import Trained


class Settings(View):
    """The params of the stage."""

    seed: Seed
    run: Trained
    studies: dict[Name, Labelled]
