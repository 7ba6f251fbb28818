"""A recipe as a DVC experiment, and how its model did: on the folds within training and validation, or on test."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medcnn.core.errors import MedcnnError
from medcnn.dataset import predictions
from medcnn.dataset.folds import PREDICTIONS
from medcnn.measures import metrics
from medcnn.params import changes
from medcnn.params.splits import StratifiedSplit
from medcnn.params.whole import Params
from medcnn.runtime import paths
from medcnn.runtime.children import Children
from medcnn.runtime.params_kept import params_kept
from medcnn.searching.space import Changes

Scores = Mapping[str, Any]
"""Figures by key, see ``metrics.scores``."""


@dataclass(frozen=True)
class Runs:
    """Recipes of one model of a study, run one after another in this project.

    Attributes:
        children: starts DVC.
        study: its name.
        model: the name of the model.
        covered: what every run covers, as changes of ``params.yaml``.
        folds: the numbers of the inner folds.
    """

    children: Children
    study: str
    model: str
    covered: Changes
    folds: range

    @classmethod
    def of(cls, children: Children, study: str, model: str, folds: int, settings: Params) -> Runs:
        """Runs that cover one model and some inner folds, which leave test alone.

        Raises:
            ParamsError: there is no such study or model.
        """
        settings.model(model)
        split = f"studies.{study}.split"
        covered: Changes = {**changes.covering(study, [model], settings.models), f"{split}.folds": folds}
        covered |= {"run.cascades.first": [], "run.folds": [*range(folds + 1)], "run.seeds": [0], "run.external": []}
        if isinstance(settings.study(study).split, StratifiedSplit):
            covered[f"{split}.test_apart"] = True
        return cls(children, study, model, covered, range(1, folds + 1))

    def inner(self, name: str, recipe: Changes) -> Scores:
        """Run a recipe; its figures on what the inner folds hold out, all of them together.

        Raises:
            MedcnnError: DVC failed.
        """
        self._run(name, recipe, [f"crossval@{self.study}-{self.model}-{fold}-0" for fold in self.folds])
        cells = [paths.cell(self.study, self.model, fold, 0) / PREDICTIONS for fold in self.folds]
        held_out = [predictions.read(path).of("test") for path in cells]
        labels, probabilities = (
            np.concatenate([getattr(table, part) for table in held_out]) for part in ("labels", "probabilities")
        )
        return metrics.scores(labels, probabilities, held_out[0].classes)

    def outer(self, name: str, recipe: Changes) -> Scores:
        """Run a recipe that was run before once more, to the same bytes; its figures on test.

        Raises:
            MedcnnError: DVC failed.
        """
        self._run(name, recipe, [f"train@{self.study}-{self.model}"])
        tested = predictions.read(paths.predicted(self.study, self.model)).of("test")
        return metrics.scores(tested.labels, tested.probabilities, tested.classes)

    def free(self) -> int:
        """The first number from 1 on that no experiment of an earlier search was named by."""
        command = [sys.executable, "-m", "dvc", "exp", "list", "--all-commits", "--name-only"]
        with self.children.started(command, stdout=subprocess.PIPE, text=True) as child:
            names = child.communicate()[0].split()
        used = [name.removeprefix(self.named("")) for name in names if name.startswith(self.named(""))]
        return 1 + max((int(end.partition("-")[0]) for end in used if end[:1].isdecimal()), default=0)

    def named(self, end: str) -> str:
        """The name of an experiment."""
        return f"search-{self.study}-{self.model}-{end}"

    def _run(self, name: str, recipe: Changes, targets: Sequence[str]) -> None:
        wanted = changes.assignments({**self.covered, **recipe})
        flags = [word for change in wanted for word in ("-S", change)]
        command = [sys.executable, "-m", "dvc", "exp", "run", "--name", self.named(name), *flags, *targets]
        with params_kept([changes.key(change) for change in wanted]):
            if code := self.children.call(command):
                raise MedcnnError(f"`dvc exp run` ended with {code}, for the reason above; {paths.PARAMS} is as it was")
