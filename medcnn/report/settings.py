"""What ``report`` reads of ``params.yaml``."""

from __future__ import annotations

from medcnn.params.ensemble import Ensemble
from medcnn.params.judging.benchmark import Limits, Spread
from medcnn.params.judging.evaluate import Judging
from medcnn.params.report import Report
from medcnn.params.shared.base import Name, Seed, View
from medcnn.params.shared.compute import Computed
from medcnn.params.shared.models import Model
from medcnn.params.shared.run import Run
from medcnn.params.studies import Study


class Benchmark(Limits, Spread):
    """What is shown beside timings."""


class Settings(View):
    """The params of the stage."""

    seed: Seed
    run: Run
    compute: Computed
    studies: dict[Name, Study]
    models: dict[Name, Model]
    ensemble: Ensemble
    evaluate: Judging
    benchmark: Benchmark
    report: Report = Report()
