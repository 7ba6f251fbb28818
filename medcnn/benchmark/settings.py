"""What ``benchmark`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.judging.benchmark import Benchmark
from medcnn.params.judging.evaluate import Confident
from medcnn.params.shared.base import Name, View
from medcnn.params.shared.classes import Prepared


class Settings(View):
    """The params of the stage."""

    evaluate: Confident
    benchmark: Benchmark
    studies: dict[Name, Prepared]
