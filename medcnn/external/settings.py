"""What ``external`` reads of ``params.yaml``: of the home study alone, as nothing is decided on the other's images."""

from __future__ import annotations

from medcnn.params.judging.evaluate import Judging
from medcnn.params.shared.base import Name, Seed, View
from medcnn.params.shared.classes import Prepared
from medcnn.params.shared.compute import Repeatable
from medcnn.params.shared.run import Trained
from medcnn.params.splits import Duplicates


class Split(View):
    """What counts as the same picture."""

    duplicates: Duplicates = Duplicates()


class Study(Prepared):
    """How the images of a study are prepared and labelled."""

    split: Split


class Settings(View):
    """The params of the stage."""

    seed: Seed
    compute: Repeatable = Repeatable()
    run: Trained
    evaluate: Judging
    studies: dict[Name, Study]
