"""What ``evaluate`` reads of ``params.yaml``."""

from __future__ import annotations

from typing import Literal

from medcnn.params.ensemble import Ensemble
from medcnn.params.judging.evaluate import Judging
from medcnn.params.shared.base import Name, Seed, View
from medcnn.params.shared.classes import Classes
from medcnn.params.shared.run import Repeated


class Split(View):
    """Whether the parts of a study were drawn or are its author's, and whether folds leave the test part alone."""

    kind: Literal["stratified", "author"]
    test_apart: bool = False


class Study(View):
    """What predictions for a study are judged by."""

    labels: Classes
    split: Split


class Settings(View):
    """The params of the stage."""

    seed: Seed
    run: Repeated
    ensemble: Ensemble
    evaluate: Judging
    studies: dict[Name, Study]
