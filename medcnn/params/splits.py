"""How the images of a study are dealt to training, validation and test."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from medcnn.params.shared.base import Block, own_keys

OnLeak = Literal["keep", "drop_from_train", "regroup"]
Share = Annotated[float, Field(gt=0, lt=1)]
Pattern = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) is int else value)]
"""A pattern of paths or of what label tables call a part, of which YAML reads a whole number as one."""


class Duplicates(Block):
    """When two images count as near duplicates: both conditions must hold."""

    hamming: Annotated[int, Field(ge=0, le=32)] = 8
    """Most bits, of 64, in which their perceptual hashes differ."""
    correlation: Annotated[float, Field(gt=0, le=1)] = 0.98
    """Least correlation of their 32x32 thumbnails."""
    transformed: bool = False
    """Whether copies that are mirrored, cropped around the middle, in another window or strongly compressed are looked
    for too; seconds for 1,000 images, minutes for 10,000."""


class StratifiedSplit(Block):
    """Parts drawn by class."""

    kind: Literal["stratified"] = "stratified"
    """Parts drawn by class; patients and near duplicates stay together unless ``on_leak`` says otherwise."""
    validation: Share = 0.15
    """Share of the images that validation gets."""
    test: Share = 0.2
    """Share of the images that test gets."""
    folds: Annotated[int, Field(ge=2)] = 5
    """Number of folds, the test part among them unless ``test_apart``."""
    test_apart: bool = False
    """Whether cross-validation leaves the test part alone, as it does an author's; ``folds`` then counts the others."""
    on_leak: OnLeak = "regroup"
    """What becomes of patients and duplicates on two sides of a split: ``keep`` them there, as some papers did; set
    their training images aside (``drop_from_train``); or move them whole to one side (``regroup``)."""
    duplicates: Duplicates = Duplicates()
    """Near duplicates."""

    @property
    def fold_numbers(self) -> range:
        """Fold 0 is the test part; cross-validation adds the others."""
        return range(self.folds + self.test_apart)

    @model_validator(mode="after")
    def _leaves_training_images(self) -> StratifiedSplit:
        if self.validation + self.test >= 1:
            raise ValueError("validation + test must leave something to train on (below 1)")
        return self


class AuthorSplit(Block):
    """The parts as the author of the data made them, by pattern: of what label tables say (``labels.csv.split``, or
    the file where there are several), and of paths elsewhere.
    """

    kind: Literal["author"]
    """The parts as the author of the data made them."""
    train: Pattern
    """Pattern of the training images' paths, or of what label tables call this part."""
    validation: Pattern | Share
    """Pattern of the validation images; where the author made no such part, the share of the training part
    that is drawn for it."""
    test: Pattern
    """Pattern of the test images."""
    folds: Annotated[int, Field(ge=2)] = 5
    """Number of folds, the author's test part not counted."""
    on_leak: OnLeak = "drop_from_train"
    """As for kind ``stratified``."""
    duplicates: Duplicates = Duplicates()
    """Near duplicates."""

    @property
    def test_apart(self) -> bool:
        """That cross-validation leaves the author's test part alone."""
        return True

    @property
    def fold_numbers(self) -> range:
        """Fold 0 is the author's test part, which stays out of cross-validation: that has ``folds`` more."""
        return range(self.folds + 1)


Split = Annotated[
    StratifiedSplit | AuthorSplit,
    Field(discriminator="kind"),
    BeforeValidator(own_keys(StratifiedSplit, AuthorSplit)),
]
