"""Models as data: a backbone, a head, and how they are trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from medcnn.params.base import Block, Fraction, Name, Positive, known
from medcnn.params.catalogue import ADAPTED, BACKBONES, PREPROCESSING

Watched = Literal["loss", "accuracy"]
"""A figure of the validation part."""
Rate = Annotated[float, Field(gt=0, le=1)]
THE_STUDYS = "study"
"""As a model's ``augment``: the policy of the study's views."""
UNPUBLISHED = ("none", "imagenet")
"""What ``weights`` may be besides the path of a file."""


class Plateau(Block):
    """Multiply the learning rate by ``factor`` after ``patience`` epochs without a better validation figure."""

    factor: Annotated[float, Field(gt=0, lt=1)]
    patience: Positive
    minimum: Annotated[float, Field(ge=0)] = 0.0
    monitor: Watched = "loss"


class Finetune(Block):
    """A second phase: after the head, all but the first ``unfreeze_from`` layers of the backbone are trained too."""

    unfreeze_from: Annotated[int, Field(ge=0)]
    learning_rate: Rate
    epochs: Positive


class Model(Block):
    """A model: its backbone, its head (dense layers, each followed by dropout) and how it is trained.

    Attributes:
        backbone: a name in ``medcnn.params.catalogue``.
        weights: ``none``, ``imagenet``, or the path of a weights file for the backbone.
        preprocessing: empty for the backbone's own, or one of the catalogue's, or ``adapted``.
        pooling: how feature maps become a vector.
        frozen: whether the backbone keeps its weights (until ``finetune``, where given).
        batch_norm: whether the head begins with batch normalisation.
        dense: units of the head's hidden layers.
        dropout: rate after each hidden layer; without any, before the output.
        initializer: of the hidden layers' kernels.
        output: ``sigmoid``, one unit for two classes; ``softmax``, a unit a class. More than two classes are softmax.
        loss: cross-entropy, or focal loss with gamma 2 (Lin et al., ICCV 2017) with class weights as alpha.
        augment: a policy, ``study`` for the policy of the study's views, or nothing.
        monitor: the validation figure that early stopping watches.
        class_weights: whether every class gets the same total weight.
    """

    backbone: str
    weights: Annotated[str, Field(min_length=1)]
    preprocessing: str | None = None
    pooling: Literal["flatten", "average", "max"]
    frozen: bool = False
    batch_norm: bool = False
    dense: tuple[Positive, ...] = ()
    dropout: Fraction = 0.0
    initializer: Literal["glorot_uniform", "he_normal"] = "glorot_uniform"
    output: Literal["sigmoid", "softmax"] = "sigmoid"
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    optimizer: Literal["adam", "adamw", "lion", "rmsprop", "sgd"] = "adam"
    augment: Name | None = None
    learning_rate: Rate
    epochs: Positive
    batch_size: Positive = 32
    monitor: Watched = "loss"
    patience: Positive
    plateau: Plateau | None = None
    class_weights: bool = False
    finetune: Finetune | None = None

    @field_validator("backbone")
    @classmethod
    def _is_in_the_catalogue(cls, name: str) -> str:
        known("no such backbone", name, BACKBONES)
        return name

    @field_validator("preprocessing")
    @classmethod
    def _is_a_preprocessing(cls, name: str | None) -> str | None:
        if name is not None:
            known("no such preprocessing", name, (*PREPROCESSING, ADAPTED))
        return name

    @model_validator(mode="after")
    def _frozen_makes_sense(self) -> Model:
        if self.frozen and self.weights == "none":
            raise ValueError("frozen: a frozen backbone needs pretrained weights; set weights=imagenet or a file")
        if self.finetune and not self.frozen:
            raise ValueError("finetune: only a frozen backbone is finetuned afterwards; set frozen=true")
        return self
