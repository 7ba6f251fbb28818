"""What ``ensemble`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.base import Seed, View
from medcnn.params.ensemble import Ensemble
from medcnn.params.run import Combined


class Settings(View):
    """The params of the stage."""

    seed: Seed
    run: Combined
    ensemble: Ensemble
