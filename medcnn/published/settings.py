"""What the published tables read of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.shared.base import Name, View
from medcnn.params.shared.models import Pretrained


class Study(View):
    """How a study is called."""

    title: str


class Settings(View):
    """The params of ``make published``."""

    models: dict[Name, Pretrained]
    studies: dict[Name, Study]
