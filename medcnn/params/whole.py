"""The whole of ``params.yaml``: what its blocks ask of one another is checked here, before any work starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from medcnn.params.catalogue import catalogue
from medcnn.params.encoders import Encoder
from medcnn.params.ensemble import Ensemble
from medcnn.params.gate import Evaluate
from medcnn.params.judging.benchmark import Benchmark
from medcnn.params.placement import Placement
from medcnn.params.report import Report
from medcnn.params.shared import loading
from medcnn.params.shared.base import Block, Name, Seed, distinct, known, named
from medcnn.params.shared.compute import Computed
from medcnn.params.shared.models import ENCODER, OF_THE_STUDY, Model
from medcnn.params.shared.policies import Policy
from medcnn.params.shared.run import DISTILLED, FOLDS, Run
from medcnn.params.shared.scaling import ADAPTED, PREPROCESSING
from medcnn.params.studies import Study


class Compute(Computed, Placement, extra="forbid"):
    """How and where numbers are computed; where changes no byte of a result."""

    @model_validator(mode="after")
    def _portable_in_float32(self) -> Compute:
        if self.portable and self.precision != "float32":
            raise ValueError(
                "bytes: portable needs precision float32, as few processors compute in bfloat16 themselves"
            )
        return self


class Params(Block):
    """The whole of ``params.yaml``."""

    seed: Seed
    """Seed of everything drawn: splits, weights, batches, views, resamples."""
    run: Run
    """What a run covers."""
    compute: Compute = Compute()
    """How and where numbers are computed."""
    defaults: dict[str, Any] = Field(default_factory=dict)
    """Blocks of usual values, which studies, policies and models take over with ``<<``."""
    studies: dict[Name, Study]
    """Studies by name."""
    augment: dict[Name, Policy]
    """Augmentation policies by name."""
    models: dict[Name, Model]
    """Models by name."""
    encoders: dict[Name, Encoder] = Field(default_factory=dict)
    """Encoders of your own, by name."""
    ensemble: Ensemble
    """How trained models are joined."""
    evaluate: Evaluate
    """How results are judged."""
    benchmark: Benchmark
    """How exported models are made smaller and timed."""
    report: Report = Report()
    """What the page and the model card show."""

    @model_validator(mode="after")
    def _names_exist(self) -> Params:
        for name, model in self.models.items():
            self._check_model(name, model)
        for name, study in self.studies.items():
            self._check_study(name, study)
        self._check_run()
        self._check_bytes()
        self._check_external()
        self._check_links()
        for of_run in self.run.studies:
            self._check_folds(of_run)
            self._check_sizes(of_run)
            self._check_findings(of_run)
        return self

    def _check_run(self) -> None:
        for study in self.run.studies:
            known("run.studies", study, self.studies)
        for model in self.run.models:
            known("run.models", model, self.models)
        for model in self.run.careless:
            known("run.careless", model, self.models)
        for model in self.run.fold_ensembles:
            known("run.fold_ensembles", model, self.run.models)
        for model in self.run.distil:
            known("run.distil", model, self.run.fold_ensembles)
            if self.models[model].head == "probe":
                raise ValueError(
                    f"run.distil: {model} is a probe, which is fitted to labels and of which a fold ensemble has one "
                    "backbone as it is; take it out"
                )
        for model in self.run.learning_curve:
            known("run.learning_curve", model, self.run.models)
        for model in self.run.stress:
            known("run.stress", model, self.run.trained)

    def _check_bytes(self) -> None:
        for name in self.run.models:
            if self.compute.portable and self.models[name].backbone == ENCODER:
                raise ValueError(
                    f"compute.bytes: portable bytes cannot be had of models.{name}, as ONNX Runtime, which runs its "
                    "encoder, sums in another order on another kind of CPU; set native"
                )

    def _check_external(self) -> None:
        for external in self.run.external:
            known("run.external", external, self.studies)
            if external in self.run.studies:
                raise ValueError(
                    f"run.external: '{external}' is in run.studies too; its models and those of another study cannot "
                    "test each other in one run: take it out of one of the two, and run the other way round as a "
                    "second experiment"
                )
            for study in self.run.studies:
                self._check_classes(study, external)

    def _check_classes(self, study: str, external: str) -> None:
        home, there = (self.studies[name].labels for name in (study, external))
        if home.multi_label != there.multi_label:
            raise ValueError(
                f"run.external: images of one of {study} and {external} have several findings, of the other one class; "
                f"set studies.{external}.labels.multi_label as studies.{study}.labels.multi_label"
            )
        names = set(there.class_names)
        if not names <= set(home.class_names) or (home.multi_label and names < set(home.class_names)):
            raise ValueError(
                f"run.external: the models of {study} know the classes {', '.join(home.class_names)}, {external} has "
                f"{', '.join(there.class_names)}; give its classes the same names in studies.{external}.labels.classes"
            )

    def _check_folds(self, study: str) -> None:
        choices = self.studies[study].split.fold_numbers
        for fold in self.run.folds:
            if fold not in choices:
                raise ValueError(
                    f"run.folds: {study} has no fold {fold}; choose from {', '.join(map(str, choices))}, or "
                    f"raise studies.{study}.split.folds"
                )

    def _check_links(self) -> None:
        chains, cascades = self.run.chains, self.run.cascades
        for first in chains.first:
            if first not in self.run.models:
                raise ValueError(
                    f"run.chains.first: '{first}' is not in run.models ({', '.join(self.run.models)}); add it there, "
                    "or set run.chains.first=[] for no chain"
                )
        for second in chains.second:
            known("run.chains.second", second, self.models)
        distinct(self.run.trained)
        for first in cascades.first:
            if first in cascades.second:
                raise ValueError(f"run.cascades: '{first}' is both first and second; a cascade takes two models")
        for key, names in (("first", cascades.first), ("second", cascades.second)):
            for name in names:
                known(f"run.cascades.{key}", name, (*self.models, *self.run.single))

    def _check_findings(self, study: str) -> None:
        """What takes one class per image does not train on several findings."""
        for name in self.run.models if self.studies[study].labels.multi_label else ():
            model = self.models[name]
            asked = {
                "sampler=natural": model.sampler == "balanced",
                "label_smoothing=0, mixup=0 and cutmix=0": model.mixed,
            }
            if name in self.run.distil:
                raise ValueError(
                    f"run.distil: images of {study} have several findings, and answers about one class are all that "
                    f"can be distilled; take {name} out"
                )
            cure = " and ".join(key for key, wanted in asked.items() if wanted)
            if cure:
                raise ValueError(
                    f"models.{name}: images of {study} have several findings, for which this model's settings are not "
                    f"made; set {cure}, or leave {name} out of run.models"
                )

    def _check_sizes(self, study: str) -> None:
        size = self.studies[study].images.size
        for model in self.run.models:
            backbone = self.models[model].backbone
            smallest = catalogue().backbones[backbone].smallest
            if size < smallest:
                raise ValueError(
                    f"studies.{study}.images.size: {size} is too small for models.{model}, whose backbone {backbone} "
                    f"needs at least {smallest}; raise it, or leave {model} out of run.models"
                )

    def _check_study(self, name: str, study: Study) -> None:
        known(f"studies.{name}.images.views.policy", study.images.views.policy, self.augment)

    def _check_model(self, name: str, model: Model) -> None:
        if name.endswith(("_chain", "_cascade", FOLDS, DISTILLED)) or name.startswith("ensemble_"):
            raise ValueError(
                f"models.{name}: names of chains end in _chain, of cascades in _cascade, of fold ensembles in {FOLDS}, "
                f"of models distilled from these in {DISTILLED}, of ensembles begin with ensemble_; rename it"
            )
        known(f"models.{name}.backbone", model.backbone, catalogue().backbones)
        if model.preprocessing is not None:
            known(f"models.{name}.preprocessing", model.preprocessing, (*PREPROCESSING, ADAPTED))
        if model.augment not in (None, OF_THE_STUDY):
            known(f"models.{name}.augment", model.augment, (OF_THE_STUDY, *self.augment))
        if model.backbone == ENCODER and not model.weights.endswith(".onnx"):
            known(f"models.{name}.weights", model.weights, (*self.encoders, "the path of an .onnx file"))
        if model.weights == "imagenet" and model.backbone not in catalogue().pinned:
            raise ValueError(
                f"models.{name}.weights: there are no pinned ImageNet weights for {model.backbone}; set weights=none, "
                "the path of a weights file that you trust, or one of these backbones: "
                f"{', '.join(catalogue().pinned)}"
            )

    def study(self, name: str) -> Study:
        """The block ``studies.<name>``; an unknown name is answered with the list."""
        return named("studies", name, self.studies)

    def model(self, name: str) -> Model:
        """The block ``models.<name>``; an unknown name is answered with the list."""
        return named("models", name, self.models)

    def policy(self, study: str, model: Model) -> str | None:
        """The name of the augmentation policy that a model trains with on a study."""
        return model.policy(self.study(study).images.views.policy)


def load(path: Path | None = None) -> Params:
    """Read and check the whole of ``params.yaml``.

    Raises:
        ParamsError: one line with the key path of the first fault and the valid choices.
    """
    return loading.load(Params, path)
