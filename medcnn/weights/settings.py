"""What ``weights`` reads of ``params.yaml``."""

from __future__ import annotations

from pydantic import Field

from medcnn.params.encoders import Encoder
from medcnn.params.shared.base import Name, View
from medcnn.params.shared.models import Pretrained


class Settings(View):
    """The params of the stage."""

    models: dict[Name, Pretrained]
    encoders: dict[Name, Encoder] = Field(default_factory=dict)
