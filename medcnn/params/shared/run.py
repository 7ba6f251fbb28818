"""What a run covers: studies, models, chains and cascades of models, folds and repeats."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, TypeVar

from pydantic import Field, field_validator, model_validator

from medcnn.core.choices import offer
from medcnn.core.errors import ParamsError
from medcnn.params.shared.base import Block, Name, View, distinct

Item = TypeVar("Item")
Counted = Annotated[int, Field(ge=0, lt=1000)]
FOLDS = "_folds"
"""How the names of fold ensembles end."""
DISTILLED = "_distilled"
"""How the names of models end that have learnt from their fold ensemble."""


class Links(Block):
    """Pairs of models: each of ``first`` with each of ``second``; no pair where ``first`` is empty."""

    first: tuple[Name, ...] = ()
    """The first models of the pairs."""
    second: tuple[Name, ...] = ()
    """The second models of the pairs."""

    @field_validator("first", "second")
    @classmethod
    def _named_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return distinct(names)

    @model_validator(mode="after")
    def _have_a_second(self) -> Links:
        if self.first and not self.second:
            raise ValueError(f"second is empty: name what {', '.join(self.first)} is paired with, or set first=[]")
        return self

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """All pairs (first, second)."""
        return tuple((first, second) for first in self.first for second in self.second)


class Contrasted(View):
    """Which models are trained on a careless split too."""

    careless: tuple[Name, ...] = ()
    """Models that are also trained and tested on a plain random split, to say what that would have claimed; those that
    are not in ``run.models`` are left out."""

    @field_validator("careless")
    @classmethod
    def _careless_once(cls, names: tuple[Item, ...]) -> tuple[Item, ...]:
        return distinct(names)


class Trained(View):
    """The models of a run, with chains, fold ensembles and what is distilled from them."""

    models: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Models to train on each study."""
    chains: Links = Links()
    """Pairs of models: the features of the first, which is one of ``run.models``, feed the head of the second."""

    fold_ensembles: tuple[Name, ...] = ()
    """Models of ``run.models`` that are also trained once for each fold of their training images without it; the mean
    of these networks is one more model, ``M_folds``."""
    distil: tuple[Name, ...] = ()
    """Models of ``run.fold_ensembles`` that are trained once more, on what their fold ensemble makes of the training
    images, which none of its networks had seen that answers; one network again, ``M_distilled``."""

    @property
    def single(self) -> tuple[str, ...]:
        """The names of the models that are one network: those of ``models``, and those of the chains."""
        return (*self.models, *(chain(*pair) for pair in self.chains.pairs))

    @property
    def trained(self) -> tuple[str, ...]:
        """The names of all trained models: the single ones, the fold ensembles, and those distilled from these."""
        return (*self.single, *map(fold_ensemble, self.fold_ensembles), *map(distilled, self.distil))

    @field_validator("models", "fold_ensembles", "distil")
    @classmethod
    def _models_once(cls, names: tuple[Item, ...]) -> tuple[Item, ...]:
        return distinct(names)


class Combined(Trained):
    """The models of a run, chains and cascades included."""

    cascades: Links = Links()
    """Pairs of models, the first asked first. A cascade is left out where one of its models is not in the run."""

    @property
    def cascaded(self) -> dict[str, tuple[str, str]]:
        """The two models of every cascade whose models are both in this run, by the cascade's name."""
        pairs = [pair for pair in self.cascades.pairs if set(pair) <= set(self.single)]
        return {f"{first}_{second}_cascade": (first, second) for first, second in pairs}


class Seeded(View):
    """Which models are trained with other seeds too."""

    seeded: tuple[Name, ...] = ()
    """Models, chains included, that are trained with every seed of ``run.seeds``, the others with seed 0 alone; empty
    for all. Ensembles and cascades take models that are trained once as they are."""

    def again(self, model: str, repeat: int) -> bool:
        """Whether a model is trained with this seed."""
        return not (repeat and self.seeded) or model in self.seeded

    @field_validator("seeded")
    @classmethod
    def _seeded_once(cls, names: tuple[Item, ...]) -> tuple[Item, ...]:
        return distinct(names)


class Repeated(Combined, Seeded):
    """The models of a run, and how often each is trained."""

    folds: Annotated[tuple[Counted, ...], Field(min_length=1)] = (0,)
    """Which parts of the data are held out in turn; fold 0 is the test part of the split."""
    seeds: Annotated[tuple[Counted, ...], Field(min_length=1)] = (0,)
    """Repeats of the trainings; each number is added to ``seed``. Fold 0 with seed 0 is exported."""

    @model_validator(mode="after")
    def _chains_stand_on_their_seed(self) -> Repeated:
        for first, second in self.chains.pairs:
            if chain(first, second) in self.seeded and first not in self.seeded:
                raise ValueError(f"seeded: name {first} too, on which {chain(first, second)} stands")
        return self

    @property
    def cells(self) -> tuple[tuple[int, int], ...]:
        """Every fold with every repeat: (0, 0) is the training that is exported."""
        return tuple((fold, repeat) for fold in self.folds for repeat in self.seeds)

    @field_validator("folds", "seeds")
    @classmethod
    def _numbers_once(cls, numbers: tuple[Item, ...]) -> tuple[Item, ...]:
        return distinct(numbers)


class Run(Repeated, Contrasted, extra="forbid"):
    """What a run covers."""

    studies: Annotated[tuple[Name, ...], Field(min_length=1)]
    """Studies to run."""
    external: tuple[Name, ...] = ()
    """Other studies, every image of which tests the models of each of ``run.studies``, without any refitting."""
    learning_curve: tuple[Name, ...] = ()
    """Models of ``run.models`` that are also trained on ever more of the training patients, to say what twice as many
    would bring."""
    stress: tuple[Name, ...] = ()
    """Models, chains included, whose accuracy is measured on degraded images."""

    @field_validator("studies", "external", "learning_curve", "stress")
    @classmethod
    def _listed_once(cls, names: tuple[Item, ...]) -> tuple[Item, ...]:
        return distinct(names)


def chain(first: str, second: str) -> str:
    """The name of the chain of two models."""
    return f"{first}_{second}_chain"


def fold_ensemble(model: str) -> str:
    """The name of a model's fold ensemble."""
    return f"{model}{FOLDS}"


def distilled(model: str) -> str:
    """The name of a model that has learnt from its fold ensemble."""
    return f"{model}{DISTILLED}"


def links(name: str, models: Iterable[str]) -> tuple[str | None, str]:
    """The first link, none for a model of its own, and the model that is trained under a name.

    Raises:
        ParamsError: the name is not that of a model, of a model's fold ensemble, of what is distilled from that, or of
            a chain of two.
    """
    models = tuple(models)
    for suffix in (FOLDS, DISTILLED):
        if name.removesuffix(suffix) in models:
            return None, name.removesuffix(suffix)
    pairs = [(first, second) for first in models for second in models if chain(first, second) == name]
    if len(pairs) != 1:
        problem = "could be more than one chain" if pairs else "unknown"
        raise ParamsError(
            f"params.yaml: models: '{name}': {problem}; {offer(name, models)}, MODEL{FOLDS}, MODEL{DISTILLED} or "
            "FIRST_SECOND_chain"
        )
    return pairs[0]
