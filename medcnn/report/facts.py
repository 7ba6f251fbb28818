"""Everything that the report shows of one study."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from medcnn.core.arrays import Integers
from medcnn.inference.certainty import Certainty
from medcnn.measures.curves import Curve
from medcnn.params.judging.benchmark import Limits
from medcnn.params.judging.evaluate import Judging
from medcnn.params.studies import Study
from medcnn.published.table import Table
from medcnn.report.areas import Area
from medcnn.report.claims import Claims
from medcnn.report.explorer import Explorer
from medcnn.report.mistakes import Mistakes
from medcnn.report.problems import Found
from medcnn.report.reading import Errors, History, Reliability
from medcnn.report.suspected import Suspected
from medcnn.results.compared import Compared
from medcnn.results.data import Download, Split
from medcnn.results.ensembles import Combined
from medcnn.results.evaluated import Evaluated
from medcnn.results.external import External
from medcnn.results.learning_curve import LearningCurve
from medcnn.results.networks import Exported, Gallery, Stressed, Trained
from medcnn.results.timings import Timed
from medcnn.runtime import paths


@dataclass(frozen=True)
class Facts:
    """Everything known about one study. What a stage that did not run would tell is absent, never invented.

    Attributes:
        models: names in the order of the run, ensembles and cascades last.
        limits: what int8 may cost.
        judged: how figures on held-out images are judged: the ``evaluate`` block of ``params.yaml``.
        evaluated: figures by model.
        compared: the ranking, the chosen model, and tests of all pairs.
        data: the images and their parts.
        download: the raw data.
        combined: ensembles and cascades.
        explained: pictures of what the chosen model looked at.
        trained: by network.
        exported: by network, ensemble and cascade.
        timed: by model.
        claims: what a careless split would have said, if some model was trained on one.
        curves: accuracy by the number of training patients, by model.
        stressed: by network.
        external: the models on other studies, by study.
        histories: learning curves by model and split.
        confusions: counts (C, C) by model, row = the true class.
        rocs: ROC curves by class and model.
        precision_recalls: precision over recall by class and model.
        aurocs: the chosen model's AUROC of each class against the rest, with its interval.
        reliabilities: reliability diagrams by model, before and after the temperature.
        errors: errors at every threshold, by class and model.
        mistakes: the chosen model's errors on test by group, where its predictions are there.
        explorer: test images to look at, where their pixels are there.
        problems: files that something is wrong with.
        suspects: labels that are probably wrong, where they were looked for.
        contact_sheet: the picture that ``prepare`` made, if it did.
        published: the study as published beside what is measured here, if it was ever set so.
    """

    name: str
    study: Study
    models: tuple[str, ...]
    limits: Limits
    judged: Judging
    evaluated: dict[str, Evaluated]
    compared: Compared
    data: Split
    download: Download | None
    combined: Combined
    explained: Gallery | None
    trained: dict[str, Trained]
    exported: dict[str, Exported]
    timed: dict[str, Timed]
    claims: Claims | None
    curves: dict[str, LearningCurve]
    stressed: dict[str, Stressed]
    external: dict[str, External]
    histories: dict[str, dict[str, History]]
    confusions: dict[str, Integers]
    rocs: dict[str, dict[str, Curve]]
    precision_recalls: dict[str, dict[str, Curve]]
    aurocs: dict[str, Area]
    reliabilities: dict[str, dict[str, Reliability]]
    errors: dict[str, dict[str, Errors]]
    mistakes: Mistakes | None
    explorer: Explorer | None
    problems: Found
    suspects: Suspected | None
    contact_sheet: Path | None
    published: Table | None

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the study."""
        return self.study.labels.class_names

    @property
    def several(self) -> bool:
        """Whether classes are findings, of which an image may have several."""
        return self.study.labels.multi_label

    @property
    def certainty(self) -> Certainty:
        """How sure a calibrated probability may be shown."""
        return Certainty(self.evaluated[self.best].validation.support)

    @property
    def best(self) -> str:
        """The chosen model: of the lowest cross-entropy on validation, ensembles and cascades out of fold."""
        return self.compared.best

    @property
    def ranking(self) -> tuple[str, ...]:
        """All models by accuracy on test, of several findings by mean AUROC, the highest first."""
        return self.compared.ranking

    @property
    def best_first(self) -> tuple[str, ...]:
        """The chosen model, then the others as they rank."""
        return (self.best, *(model for model in self.ranking if model != self.best))

    @property
    def like_best(self) -> tuple[str, ...]:
        """The models that no test finds different from the chosen one."""
        same = self.compared.same_as_best.values()
        return tuple(model for model in self.ranking if model != self.best and all(model in names for names in same))

    @property
    def as_good(self) -> tuple[str, ...]:
        """Those of ``like_best`` whose very files no test finds different, whatever other seeds do."""
        apart = self.compared.files_apart(self.judged.significance)
        return tuple(model for model in self.like_best if model not in apart)

    def differing(self, model: str) -> tuple[str, ...]:
        """The figures in which a test finds this model different from the chosen one."""
        return tuple(figure for figure, names in self.compared.same_as_best.items() if model not in names)

    @property
    def macs(self) -> dict[str, int]:
        """Multiply-accumulates for one image, by model; of cascades the mean over test."""
        return self.combined.macs

    @property
    def passed_on(self) -> dict[str, float]:
        """By cascade: the share of test images that its second model answers."""
        shares = {name: cascade.first_share.test for name, cascade in self.combined.cascades.items()}
        return {name: 1 - share for name, share in shares.items() if share is not None}

    @property
    def leaky(self) -> bool:
        """Whether patients or duplicates lie on two sides of the split, so that the figures are flattered."""
        return bool(self.data.leak.this_split)

    @property
    def synthetic(self) -> bool:
        """Whether the images are drawn by the built-in generator."""
        return self.study.source.kind == "phantom"

    @property
    def pictures(self) -> Path:
        """The folder of the pictures that ``explain`` made."""
        return paths.plots("explain", self.name)
