"""What ``benchmark`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.base import Name, View
from medcnn.params.benchmark import Benchmark
from medcnn.params.classes import Classes
from medcnn.params.evaluate import Confident
from medcnn.params.images import Fit


class Images(View):
    """How an image becomes one that the network sees."""

    fit: Fit


class Study(View):
    """What engines are timed and judged on."""

    labels: Classes
    images: Images


class Settings(View):
    """The params of the stage."""

    evaluate: Confident
    benchmark: Benchmark
    studies: dict[Name, Study]
