"""``params.yaml`` as frozen, typed objects; anything unknown or out of range is refused before any work starts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from medcnn import faults, layout
from medcnn.console import ParamsError

Fraction = Annotated[float, Field(ge=0, lt=1)]
Positive = Annotated[int, Field(ge=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+$")]
Item = TypeVar("Item")
THE_STUDYS = "study"
"""As a model's ``augment``: the policy of the study's views."""


class Block(BaseModel):
    """A block of ``params.yaml``: unknown keys refused, values frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class PhantomSource(Block):
    """The built-in procedural image set."""

    kind: Literal["phantom"]
    patients: Annotated[int, Field(ge=8)] = 100
    slices: Annotated[int, Field(ge=2)] = 6
    size: Annotated[int, Field(ge=32)] = 128
    seed: int = 7


class FolderSource(Block):
    """A folder on this machine, packed into one zip."""

    kind: Literal["folder"]
    path: str


class ArchiveSource(Block):
    """A zip or tar file on this machine, read in place."""

    kind: Literal["archive"]
    path: str
    sha256: Sha256 | None = None


class UrlSource(Block):
    """An archive behind an http(s) address; its sha256 is what makes it the same archive tomorrow."""

    kind: Literal["url"]
    url: Annotated[str, Field(pattern=r"^https?://")]
    sha256: Sha256


class KaggleSource(Block):
    """A Kaggle data set, by owner/slug and version; ``path`` is kept so that ``-S`` can switch to a local archive."""

    kind: Literal["kaggle"]
    dataset: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    version: Positive
    sha256: Sha256 | None = None


Source = Annotated[
    PhantomSource | FolderSource | ArchiveSource | UrlSource | KaggleSource,
    Field(discriminator="kind"),
]


class Labels(Block):
    """Classes from a CSV inside the raw data: which file, and the columns of image name, label and patient."""

    csv: str
    image: str
    label: str
    group: str | None = None


class Duplicates(Block):
    """When two images count as near duplicates: perceptual hashes within ``hamming`` bits and
    32x32 thumbnails correlated at least ``correlation``.
    """

    hamming: Annotated[int, Field(ge=0, le=32)] = 8
    correlation: Annotated[float, Field(gt=0, le=1)] = 0.98


class StratifiedSplit(Block):
    """Parts drawn by class; patients and near duplicates stay together."""

    kind: Literal["stratified"]
    validation: Annotated[float, Field(gt=0, lt=1)]
    test: Annotated[float, Field(gt=0, lt=1)]
    folds: Annotated[int, Field(ge=2)] = 5

    @model_validator(mode="after")
    def _leaves_training_images(self) -> StratifiedSplit:
        if self.validation + self.test >= 1:
            raise ValueError("validation + test must leave something to train on (below 1)")
        return self


class AuthorSplit(Block):
    """The parts as the data's author made them, by path pattern."""

    kind: Literal["author"]
    train: str
    validation: str
    test: str
    folds: Annotated[int, Field(ge=2)] = 5


class Views(Block):
    """Augmented views made once by ``prepare``, for networks whose backbone is frozen."""

    policy: Name
    count: Annotated[int, Field(ge=0)]


class Study(Block):
    """One image set: where it comes from, what its classes are, how it is split and resized."""

    title: str
    source: Source
    labels: Labels | None = None
    classes: Annotated[dict[str, str], Field(min_length=2)]
    positive: str | None = None
    exclude: tuple[str, ...] = ()
    group: str | None = None
    duplicates: Duplicates = Duplicates()
    split: Annotated[StratifiedSplit | AuthorSplit, Field(discriminator="kind")]
    image_size: Annotated[int, Field(ge=16, le=1024)]
    fit: Literal["stretch", "pad", "crop"]
    views: Views

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names in the order of ``params.yaml``, the positive one of two last, as a sigmoid needs it."""
        names = list(dict.fromkeys(self.classes.values()))
        if len(names) == 2 and self.positive == names[0]:
            names.reverse()
        return tuple(names)

    @field_validator("group")
    @classmethod
    def _is_a_pattern(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _classes_make_sense(self) -> Study:
        names = self.class_names
        if len(names) < 2:
            raise ValueError("classes must name at least two classes")
        if self.positive is not None and self.positive not in names:
            raise ValueError(f"positive must be one of {', '.join(names)}")
        return self


class Policy(Block):
    """An augmentation policy: ranges that are drawn from evenly, per image."""

    flip: Literal["none", "horizontal", "vertical", "both"] = "none"
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    shift: Fraction = 0.0
    shear: Fraction = 0.0
    zoom: Fraction = 0.0
    brightness: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (1.0, 1.0)

    @field_validator("brightness")
    @classmethod
    def _in_order(cls, limits: tuple[float, float]) -> tuple[float, float]:
        if limits[0] > limits[1]:
            raise ValueError(f"the lower limit comes first: [{limits[1]}, {limits[0]}]")
        return limits


class Plateau(Block):
    """Multiply the learning rate by ``factor`` after ``patience`` epochs without a better validation loss."""

    factor: Annotated[float, Field(gt=0, lt=1)]
    patience: Positive
    minimum: Annotated[float, Field(ge=0)] = 0.0


class Model(Block):
    """A model: its network, its head (dense layers, each followed by dropout) and how it is trained."""

    network: Literal["simple", "deep", "lite0", "relay", "tiny"]
    weights: Literal["none", "imagenet"]
    frozen: bool
    dense: tuple[Positive, ...]
    dropout: Fraction
    augment: Name | None
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    epochs: Positive
    batch_size: Positive
    patience: Positive
    plateau: Plateau | None
    class_weights: bool


class Chain(Block):
    """The second link of every chain; the first links are ``run.chains``."""

    second: Name


class Ensemble(Block):
    """Which combiners join the trained models."""

    combiners: Annotated[tuple[Literal["mean", "weighted"], ...], Field(min_length=1)]


class Benchmark(Block):
    """How latency is measured."""

    batch_sizes: Annotated[tuple[Positive, ...], Field(min_length=1)]
    warmup: Annotated[int, Field(ge=0)]
    calls: Annotated[int, Field(ge=5)]


class Weights(Block):
    """Pretrained weights as they are published in a Python package."""

    package: str
    file: str
    sha256: Sha256
    licence: str


class Run(Block):
    """What this run covers."""

    studies: Annotated[tuple[Name, ...], Field(min_length=1)]
    models: Annotated[tuple[Name, ...], Field(min_length=1)]
    chains: tuple[Name, ...] = ()

    @property
    def trained(self) -> tuple[str, ...]:
        """The names of all trained models: those of ``models``, and ``<first>_chain`` for every chain."""
        return (*self.models, *(f"{first}_chain" for first in self.chains))

    @field_validator("studies", "models", "chains")
    @classmethod
    def _named_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"'{name}' is listed twice")
        return names


class Params(Block):
    """The whole of ``params.yaml``."""

    seed: Annotated[int, Field(ge=0, lt=2**31)]
    run: Run
    studies: dict[Name, Study]
    augment: dict[Name, Policy]
    models: dict[Name, Model]
    weights: dict[Name, Weights]
    chain: Chain
    ensemble: Ensemble
    benchmark: Benchmark

    @model_validator(mode="after")
    def _names_exist(self) -> Params:
        for study in self.run.studies:
            _known("run.studies", study, self.studies)
        for model in self.run.models:
            _known("run.models", model, self.models)
        for first in self.run.chains:
            _known("run.chains", first, self.models)
            if first not in self.run.models:
                raise ValueError(
                    f"run.chains: '{first}' is not in run.models ({', '.join(self.run.models)}); "
                    "add it there, or set run.chains=[] for no chain"
                )
        _known("chain.second", self.chain.second, self.models)
        if self.models[self.chain.second].network != "relay":
            raise ValueError(f"chain.second: '{self.chain.second}' takes images; a second link's network must be relay")
        for name, study_block in self.studies.items():
            _known(f"studies.{name}.views.policy", study_block.views.policy, self.augment)
        for name, model_block in self.models.items():
            self._check_model(name, model_block)
        return self

    def _check_model(self, name: str, model: Model) -> None:
        if name.endswith("_chain") or name.startswith("ensemble_"):
            raise ValueError(
                f"models.{name}: names of chains end in _chain, of ensembles begin with ensemble_; rename it"
            )
        if model.augment not in (None, THE_STUDYS):
            _known(f"models.{name}.augment", model.augment, {THE_STUDYS: None, **self.augment})
        if model.weights == "imagenet":
            _known(f"models.{name}.network: no ImageNet weights for it; weights", model.network, self.weights)
        if model.frozen and model.weights == "none":
            raise ValueError(f"models.{name}.frozen: a frozen network needs pretrained weights; set weights=imagenet")

    def study(self, name: str) -> Study:
        """The block ``studies.<name>``; an unknown name is answered with the list."""
        return _get("studies", name, self.studies)

    def policy(self, study: str, model: Model) -> str | None:
        """The name of the augmentation policy that a model trains with on a study."""
        return self.studies[study].views.policy if model.augment == THE_STUDYS else model.augment

    def model(self, name: str) -> Model:
        """The block ``models.<name>``; an unknown name is answered with the list."""
        return _get("models", name, self.models)


def load(path: Path = layout.PARAMS) -> Params:
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
        return Params.model_validate(_without_switched(tree))
    except ValidationError as error:
        raise ParamsError(f"{path}: {faults.described(error, tree, Params)}") from error


def _without_switched(tree: Any) -> Any:
    """Drop the keys of other kinds from each ``source``, so that ``-S ...source.kind=archive`` alone switches it."""
    if not isinstance(tree, dict) or not isinstance(tree.get("studies"), dict):
        return tree
    studies = {}
    for name, study in tree["studies"].items():
        source = study.get("source") if isinstance(study, dict) else None
        if isinstance(source, dict) and source.get("kind") in _SOURCES:
            kept = {key: value for key, value in source.items() if key not in _foreign(source["kind"])}
            study = {**study, "source": kept}
        studies[name] = study
    return {**tree, "studies": studies}


_SOURCES: dict[str, type[Block]] = {
    "phantom": PhantomSource,
    "folder": FolderSource,
    "archive": ArchiveSource,
    "url": UrlSource,
    "kaggle": KaggleSource,
}


def _foreign(kind: str) -> set[str]:
    known = {field for block in _SOURCES.values() for field in block.model_fields}
    return known - set(_SOURCES[kind].model_fields)


def _known(where: str, name: str, choices: dict[str, Any]) -> None:
    if name not in choices:
        raise ValueError(f"{where}: unknown '{name}'; choose from {', '.join(choices)}")


def _get(where: str, name: str, choices: dict[str, Item]) -> Item:
    if name not in choices:
        raise ParamsError(f"{layout.PARAMS}: {where}: unknown '{name}'; choose from {', '.join(choices)}")
    return choices[name]
