"""``params.yaml`` as frozen, typed objects; anything unknown or out of range is refused before any work starts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from medcnn.core.errors import ParamsError
from medcnn.params import validation
from medcnn.params.base import Block, Name, Positive, distinct, known
from medcnn.params.benchmark import Benchmark
from medcnn.params.catalogue import BACKBONES
from medcnn.params.evaluate import Evaluate
from medcnn.params.models import THE_STUDYS, Model
from medcnn.params.sources import Weights, without_switched
from medcnn.params.studies import Links, Policy, Study
from medcnn.runtime import paths

Item = TypeVar("Item")
Counted = Annotated[int, Field(ge=0, lt=1000)]
Combiner = Literal["mean", "weighted", "vote", "greedy", "mean_dense", "concat_dense"]


class Ensemble(Block):
    """Which combiners join the trained models."""

    combiners: Annotated[tuple[Combiner, ...], Field(min_length=1)]


class Compute(Block):
    """How and where numbers are computed; where changes no byte of a result.

    Attributes:
        precision: of the backbones, and of training through them; weights, predictions and metrics are float32.
        backend: this machine, or a Ray cluster.
        address: of the cluster's head, ``host:port``; ``auto`` is the one that runs on this machine.
        cpus_per_task: how many CPUs each independent task keeps for itself.
    """

    precision: Literal["float32", "bfloat16"] = "float32"
    backend: Literal["local", "ray"] = "local"
    address: str = "auto"
    cpus_per_task: Positive = 2


class Run(Block):
    """What this run covers.

    Attributes:
        studies: image sets.
        models: what is trained on each.
        chains: pairs of models, the first one's features into the head of the second.
        cascades: pairs of models, the first asked first.
        folds: which parts are held out in turn; fold 0 is the test part of the split.
        seeds: repeats of every training; each number is added to the seed.
        stress: models whose accuracy is measured on degraded images.
    """

    studies: Annotated[tuple[Name, ...], Field(min_length=1)]
    models: Annotated[tuple[Name, ...], Field(min_length=1)]
    chains: Links = Links()
    cascades: Links = Links()
    folds: Annotated[tuple[Counted, ...], Field(min_length=1)] = (0,)
    seeds: Annotated[tuple[Counted, ...], Field(min_length=1)] = (0,)
    stress: tuple[Name, ...] = ()

    @property
    def trained(self) -> tuple[str, ...]:
        """The names of all trained models: those of ``models``, and those of the chains."""
        return (*self.models, *(chain(*pair) for pair in self.chains.pairs))

    @property
    def cascaded(self) -> dict[str, tuple[str, str]]:
        """The two models of every cascade whose models are both in this run, by the cascade's name."""
        pairs = [pair for pair in self.cascades.pairs if set(pair) <= set(self.trained)]
        return {f"{first}_{second}_cascade": (first, second) for first, second in pairs}

    @property
    def cells(self) -> tuple[tuple[int, int], ...]:
        """Every fold with every repeat: (0, 0) is the training that is exported."""
        return tuple((fold, repeat) for fold in self.folds for repeat in self.seeds)

    @field_validator("studies", "models", "folds", "seeds", "stress")
    @classmethod
    def _named_once(cls, names: tuple[Item, ...]) -> tuple[Item, ...]:
        return distinct(names)


class Params(Block):
    """The whole of ``params.yaml``."""

    seed: Annotated[int, Field(ge=0, lt=2**31)]
    run: Run
    compute: Compute = Compute()
    studies: dict[Name, Study]
    augment: dict[Name, Policy]
    models: dict[Name, Model]
    weights: dict[str, Weights]
    ensemble: Ensemble
    evaluate: Evaluate
    benchmark: Benchmark

    @model_validator(mode="after")
    def _names_exist(self) -> Params:
        self._check_run()
        for name, study in self.studies.items():
            self._check_study(name, study)
        for name, model in self.models.items():
            self._check_model(name, model)
        return self

    def _check_run(self) -> None:
        for study in self.run.studies:
            known("run.studies", study, self.studies)
        for model in self.run.models:
            known("run.models", model, self.models)
        for model in self.run.stress:
            known("run.stress", model, self.run.trained)
        self._check_folds()
        self._check_links()
        for study in self.run.studies:
            for model in self.run.models:
                self._check_size(study, model)

    def _check_folds(self) -> None:
        for study in self.run.studies:
            choices = self.studies[study].folds
            for fold in self.run.folds:
                if fold not in choices:
                    raise ValueError(
                        f"run.folds: {fold} is no fold of {study}; choose from {', '.join(map(str, choices))}, or "
                        f"raise studies.{study}.split.folds"
                    )

    def _check_links(self) -> None:
        for first in self.run.chains.first:
            if first not in self.run.models:
                raise ValueError(
                    f"run.chains.first: '{first}' is not in run.models ({', '.join(self.run.models)}); add it there, "
                    "or set run.chains.first=[] for no chain"
                )
        for second in self.run.chains.second:
            known("run.chains.second", second, self.models)
        distinct(self.run.trained)
        for first in self.run.cascades.first:
            if first in self.run.cascades.second:
                raise ValueError(f"run.cascades: '{first}' is both first and second; a cascade takes two models")
        for name in self.run.cascades.first:
            known("run.cascades.first", name, (*self.models, *self.run.trained))
        for name in self.run.cascades.second:
            known("run.cascades.second", name, (*self.models, *self.run.trained))

    def _check_size(self, study: str, model: str) -> None:
        size, backbone = self.studies[study].image_size, self.models[model].backbone
        if size < BACKBONES[backbone].smallest:
            raise ValueError(
                f"studies.{study}.image_size: {size} is too small for models.{model}, whose backbone {backbone} needs "
                f"at least {BACKBONES[backbone].smallest}; raise it, or leave {model} out of run.models"
            )

    def _check_study(self, name: str, study: Study) -> None:
        known(f"studies.{name}.views.policy", study.views.policy, self.augment)
        if study.published:
            for model in (*study.published.models, *study.published.chains.first, *study.published.chains.second):
                known(f"studies.{name}.published", model, self.models)

    def _check_model(self, name: str, model: Model) -> None:
        if name.endswith(("_chain", "_cascade")) or name.startswith("ensemble_"):
            raise ValueError(
                f"models.{name}: names of chains end in _chain, of cascades in _cascade, of ensembles begin with "
                "ensemble_; rename it"
            )
        if model.augment not in (None, THE_STUDYS):
            known(f"models.{name}.augment", model.augment, {THE_STUDYS: None, **self.augment})
        if model.weights == "imagenet":
            known(f"models.{name}.backbone: no ImageNet weights for it; weights", model.backbone, self.weights)

    def study(self, name: str) -> Study:
        """The block ``studies.<name>``; an unknown name is answered with the list."""
        return _get("studies", name, self.studies)

    def policy(self, study: str, model: Model) -> str | None:
        """The name of the augmentation policy that a model trains with on a study."""
        return self.studies[study].views.policy if model.augment == THE_STUDYS else model.augment

    def model(self, name: str) -> Model:
        """The block ``models.<name>``; an unknown name is answered with the list."""
        return _get("models", name, self.models)


def chain(first: str, second: str) -> str:
    """The name of the chain of two models."""
    return f"{first}_{second}_chain"


def load(path: Path = paths.PARAMS) -> Params:
    """Read and check ``params.yaml``.

    Raises:
        ParamsError: one line with the key path of the first fault and the valid choices.
    """
    # The same parser as DVC's (YAML 1.2): `yes` is a folder name, not a truth value, and 1e-4 is a number.
    try:
        tree = YAML(typ="safe", pure=True).load(path)
    except FileNotFoundError as error:
        raise ParamsError(f"{path} not found: run this from the project's root") from error
    except YAMLError as error:
        raise ParamsError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    try:
        return Params.model_validate(without_switched(tree))
    except ValidationError as error:
        raise ParamsError(f"{path}: {validation.described(error, tree, Params)}") from error


def _get(where: str, name: str, choices: dict[str, Item]) -> Item:
    if name not in choices:
        raise ParamsError(f"{paths.PARAMS}: {where}: unknown '{name}'; choose from {', '.join(choices)}")
    return choices[name]
