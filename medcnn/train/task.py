"""One training, by its settings: small enough to be sent to another process, without TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from medcnn.core.errors import MedcnnError
from medcnn.dataset import folds, manifest, pack, predictions, truths
from medcnn.dataset.folds import MAIN, Cell
from medcnn.dataset.shards import Shards
from medcnn.dataset.truths import Truth
from medcnn.params import placement
from medcnn.params.placement import Placement
from medcnn.params.shared import loading, run
from medcnn.params.shared.models import Finetune, Model
from medcnn.runtime import paths
from medcnn.train.settings import Settings


@dataclass(frozen=True)
class Task:
    """One training of a model or, behind the trained model ``first``, of a chain.

    Attributes:
        params: what trainings read of ``params.yaml``.
        placement: where the work is done.
        study: the name of a prepared study.
        model: the name of the model, in a chain of its second link.
        first: the name of the chain's first link.
        cell: fold and repeat.
        ensemble: whether it is the mean of networks trained without one fold of the training images each.
        distilled: whether it learns what that ensemble answers in place of the labels.
        without: the fold that one of these networks is trained without.
        left_out: groups whose training images it is trained without.
    """

    params: Settings
    placement: Placement
    study: str
    model: str
    first: str | None = None
    cell: Cell = MAIN
    ensemble: bool = False
    distilled: bool = False
    without: int | None = None
    left_out: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """Name of the model, chain or fold ensemble that is trained, or of what is distilled from one."""
        if self.first:
            return run.chain(self.first, self.model)
        if self.distilled:
            return run.distilled(self.model)
        return run.fold_ensemble(self.model) if self.ensemble else self.model

    @property
    def names(self) -> tuple[str, ...]:
        """What tells this training from others of the run: study, model, cell, fold left out; none of a part of it."""
        if self.left_out:
            return ()
        cell = () if self.cell == MAIN else ("-".join(map(str, self.cell)),)
        fold = () if self.without is None else (f"without-{self.without}",)
        return (self.study, self.name, *cell, *fold)

    @property
    def settings(self) -> Model:
        """The model's block of ``params.yaml``.

        A second link is never finetuned: its block would finetune its own backbone, which a chain leaves out. Nor is
        it a probe, as both links are trained as one.
        """
        block = self.params.models[self.model]
        return block.model_copy(update={"finetune": Finetune(), "head": "dense"}) if self.first else block

    @property
    def seed(self) -> int:
        """Seed of whatever the training draws: the run's, and one more for each repeat."""
        return self.params.seed + self.cell[1]

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the network's outputs."""
        return self.params.studies[self.study].labels.class_names

    @property
    def multi_label(self) -> bool:
        """Whether classes are findings, of which an image may have several."""
        return self.params.studies[self.study].labels.multi_label

    @property
    def policy(self) -> str | None:
        """The name of the augmentation policy that the model trains with."""
        return self.settings.policy(self.params.studies[self.study].images.views.policy)

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The manifest's M used rows, with their parts in the task's fold."""
        rows = folds.rows(self.study, self.cell[0])
        if self.left_out:
            unused = (rows["split"] == "train") & rows["group"].isin(self.left_out)
            rows = rows.assign(split=rows["split"].mask(unused, ""))
        return rows if self.without is None else folds.without(rows, self.without)

    @cached_property
    def pixels(self) -> Shards:
        """The M used images, uint8 (M, S, S, 3), read when asked for."""
        return pack.images(paths.prepared(self.study))

    @cached_property
    def labels(self) -> Truth:
        """The truth about the M images, (M,) indices into ``classes``, or findings (M, K); see ``truths``."""
        return truths.coded(self.rows["label"], self.classes)

    @cached_property
    def taught(self) -> npt.NDArray[np.float32] | None:
        """What the M images are learnt as in place of their labels, shares of the classes (M, C); None where by labels.

        Half of it is the truth and half what the fold ensemble answers, for a training image the one of its networks
        that had not seen it: a teacher that knows images by heart repeats their labels (Dao et al., ICLR 2021).

        Raises:
            MedcnnError: there are no such answers, or they are of other images.
        """
        if not self.distilled:
            return None
        path = paths.predictions(self.study) / f"{run.fold_ensemble(self.model)}.csv"
        answers = predictions.read(path)
        if list(answers.image_ids) != self.rows["image_id"].tolist() or answers.classes != self.classes:
            raise MedcnnError(
                f"{path} is of other images or classes than {paths.manifest(self.study)}; run `dvc repro`"
            )
        truth = np.eye(len(self.classes))[self.labels]
        return ((truth + answers.probabilities) / 2).astype(np.float32)

    def indices(self, part: str) -> list[int]:
        """Positions of the images of a part, train or validation, among the M."""
        return manifest.indices(self.rows, part)


def task(study: str, name: str, cell: Cell = MAIN) -> Task:
    """The training that ``params.yaml`` describes.

    Args:
        study: the name of a prepared study.
        name: that of a model, of a chain, of a fold ensemble or of what is distilled from one.
        cell: fold and repeat.

    Raises:
        MedcnnError: there is no such model or chain, or no other fold of it.
    """
    params = loading.load(Settings)
    first, model = run.links(name, params.models)
    ensemble, distilled = name == run.fold_ensemble(model), name == run.distilled(model)
    if (ensemble or distilled) and cell != MAIN:
        raise MedcnnError(f"{name}: folds of training images are those of the split; train {model} on other folds")
    return Task(params, placement.load(), study, model, first, cell, ensemble, distilled)
