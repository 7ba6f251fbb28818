"""What ``suspects`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.judging.evaluate import Confident
from medcnn.params.shared.base import View
from medcnn.params.shared.run import Repeated


class Settings(View):
    """The params of the stage."""

    run: Repeated
    evaluate: Confident
