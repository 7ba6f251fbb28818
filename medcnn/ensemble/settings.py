"""What ``ensemble`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.ensemble import Ensemble
from medcnn.params.shared.base import Seed, View
from medcnn.params.shared.run import Combined


class Settings(View):
    """The params of the stage."""

    seed: Seed
    run: Combined
    ensemble: Ensemble
