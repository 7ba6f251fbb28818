"""Studies: image sets, their labels, their split, and the augmentation policies."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from medcnn.params.base import Block, Fraction, Name, distinct
from medcnn.params.sources import Source

OnLeak = Literal["keep", "drop_from_train", "regroup"]
"""What becomes of patients and duplicates on two sides of a split: they stay there (the published way); their
training images are set aside; or they move whole to one side."""


class Labels(Block):
    """Classes from a CSV inside the raw data: which file, and the columns of image name, label and patient.

    Images that the CSV does not list are set aside, or labelled ``by_folder`` like those of a study without a CSV.
    """

    csv: str
    image: str
    label: str
    group: str | None = None
    unlisted: Literal["set_aside", "by_folder"] = "set_aside"


class Duplicates(Block):
    """When two images count as near duplicates: perceptual hashes within ``hamming`` bits and
    32x32 thumbnails correlated at least ``correlation``.
    """

    hamming: Annotated[int, Field(ge=0, le=32)] = 8
    correlation: Annotated[float, Field(gt=0, le=1)] = 0.98


class StratifiedSplit(Block):
    """Parts drawn by class; patients and near duplicates stay together unless ``on_leak`` says otherwise."""

    kind: Literal["stratified"]
    validation: Annotated[float, Field(gt=0, lt=1)]
    test: Annotated[float, Field(gt=0, lt=1)]
    folds: Annotated[int, Field(ge=2)] = 5
    on_leak: OnLeak = "regroup"

    @model_validator(mode="after")
    def _leaves_training_images(self) -> StratifiedSplit:
        if self.validation + self.test >= 1:
            raise ValueError("validation + test must leave something to train on (below 1)")
        return self


class AuthorSplit(Block):
    """The parts as the data's author made them, by path pattern.

    Where the author made no validation part, ``validation`` is the share of the training part that is drawn for it.
    """

    kind: Literal["author"]
    train: str
    validation: str | Annotated[float, Field(gt=0, lt=1)]
    test: str
    folds: Annotated[int, Field(ge=2)] = 5
    on_leak: OnLeak = "drop_from_train"


class Views(Block):
    """Augmented views made once by ``prepare``, for networks whose backbone is frozen."""

    policy: Name
    count: Annotated[int, Field(ge=0)]


class Links(Block):
    """Pairs of models: each of ``first`` with each of ``second``; none where ``first`` is empty."""

    first: tuple[Name, ...] = ()
    second: tuple[Name, ...] = ()

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


class Published(Block):
    """The models that a study was published with; ``make study`` runs exactly these."""

    models: Annotated[tuple[Name, ...], Field(min_length=1)]
    chains: Links = Links()


class Study(Block):
    """One image set: where it comes from, what its classes are, how it is split and resized.

    ``subgroups`` names columns of ``labels.csv``, such as sex, whose groups are evaluated apart; a column of numbers
    is cut into bands at the numbers that are given, one of words has none.
    """

    title: str
    source: Source
    labels: Labels | None
    classes: dict[str, str]
    positive: str | None
    exclude: tuple[str, ...]
    group: str | None
    aliases: dict[str, str]
    duplicates: Duplicates
    split: Annotated[StratifiedSplit | AuthorSplit, Field(discriminator="kind")]
    image_size: Annotated[int, Field(ge=16, le=1024)]
    fit: Literal["stretch", "pad", "crop"]
    views: Views
    subgroups: Annotated[dict[str, tuple[float, ...]], Field(default_factory=dict)]
    published: Published | None = None

    @property
    def folds(self) -> range:
        """Fold 0 is the test part; cross-validation adds the others: of a drawn split to ``split.folds`` in all.

        A test part that the author made stays out of cross-validation, which has ``split.folds`` folds without it.
        """
        return range(self.split.folds + (self.split.kind == "author"))

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

    @field_validator("classes")
    @classmethod
    def _are_two_at_least(cls, classes: dict[str, str]) -> dict[str, str]:
        names = sorted(set(classes.values()))
        if len(names) < 2:
            raise ValueError(f"one class only ({''.join(names) or 'none'}); add a line `pattern: name` for another")
        return classes

    @field_validator("subgroups")
    @classmethod
    def _bands_rise(cls, subgroups: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        for column, cuts in subgroups.items():
            if list(cuts) != sorted(set(cuts)):
                raise ValueError(f"{column}: the numbers at which bands begin must rise, not {list(cuts)}")
        return subgroups

    @field_validator("aliases")
    @classmethod
    def _end_at_a_patient(cls, aliases: dict[str, str]) -> dict[str, str]:
        for alias, name in aliases.items():
            if name in aliases:
                raise ValueError(f"{alias} stands for {name}, which is an alias itself; name the patient: {alias}: ...")
        return aliases

    @model_validator(mode="after")
    def _fits_together(self) -> Study:
        if self.positive is not None and self.positive not in self.class_names:
            raise ValueError(f"positive must be one of {', '.join(self.class_names)}")
        if self.aliases and not self.group and not (self.labels and self.labels.group):
            raise ValueError("aliases need group or labels.group, which tell the patients")
        if self.subgroups and not self.labels:
            raise ValueError("subgroups are columns of labels.csv, and labels is empty")
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
