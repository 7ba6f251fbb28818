"""What ``download`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.shared.base import Name, View
from medcnn.params.sources import Source


class Study(View):
    """Where the images of a study come from."""

    source: Source


class Settings(View):
    """The params of the stage."""

    studies: dict[Name, Study]
