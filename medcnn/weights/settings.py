"""What ``weights`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.base import Name, View
from medcnn.params.models import Pretrained
from medcnn.params.pins import Weights


class Settings(View):
    """The params of the stage."""

    models: dict[Name, Pretrained]
    weights: dict[str, Weights]
