"""Models as data: a backbone, a head, and how they are trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from medcnn.params.shared.base import Block, Fraction, Name, Positive, View

Watched = Literal["loss", "accuracy", "auroc"]
"""A figure of the validation part."""
Rate = Annotated[float, Field(gt=0, le=1)]
Tta = Literal["none", "flips", "views"]
"""Which views of an image a trained network answers the mean of."""
OF_THE_STUDY = "study"
"""As a model's ``augment``: the policy of the study's views."""
ENCODER = "onnx"
"""As a model's ``backbone``: an encoder of the user's own."""
UNPUBLISHED = ("none", "imagenet")
"""What ``weights`` may be besides the path of a file."""


class Plateau(Block):
    """A learning rate that falls when the validation figure no longer gets better."""

    factor: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """What the learning rate is multiplied by."""
    patience: Positive | None = None
    """Epochs without a better figure before it falls; empty for a rate that never does."""
    minimum: Annotated[float, Field(ge=0)] = 0.0
    """Least learning rate."""
    monitor: Watched = "loss"
    """The validation figure to watch."""


class Finetune(Block):
    """A second phase: after the head, all but the first layers of the backbone are trained too."""

    unfreeze_from: Annotated[int, Field(ge=0)] = 0
    """The first layer of the backbone to train."""
    learning_rate: Rate = 0.0001
    """Learning rate of this phase."""
    epochs: Annotated[int, Field(ge=0)] = 0
    """Epochs of this phase at most; 0 for none."""


class Pretrained(View):
    """What the ``weights`` stage brings for a model."""

    backbone: str
    """The network below the head: one of ``medcnn/weights/backbones.yaml``."""
    weights: Annotated[str, Field(min_length=1)] = "none"
    """``none``, ``imagenet``, or the path of a weights file for the backbone; with ``backbone: onnx`` the path of the
    encoder itself, or its name in ``encoders``."""


class Model(Pretrained, extra="forbid"):
    """A model: its backbone, its head and how it is trained."""

    preprocessing: str | None = None
    """Empty for the backbone's own; else the name of one, or ``adapted`` to the training images."""
    pooling: Literal["flatten", "average", "max"] = "average"
    """How feature maps become a vector."""
    frozen: bool = False
    """Whether the backbone keeps its weights (until ``finetune``)."""
    frozen_norm: bool = False
    """Whether batch normalisation keeps its pretrained statistics in a backbone that is trained whole, as in
    ``finetune`` it always does; on small batches they are worth more than new ones."""
    features: Literal["last", "stages"] = "last"
    """What is pooled: the last feature maps, or also the last ones of every larger size, side by side."""
    head: Literal["dense", "probe"] = "dense"
    """Layers that are trained epoch by epoch; or one that is fitted to the features of a frozen backbone in one go:
    logistic regression, its strength chosen by cross-validation over whole patients within training."""
    batch_norm: bool = False
    """Whether the head begins with batch normalisation."""
    dense: tuple[Positive, ...] = ()
    """Units of the head's hidden layers."""
    dropout: Fraction = 0.0
    """Rate after each hidden layer; without any, before the output."""
    initializer: Literal["glorot_uniform", "he_normal"] = "glorot_uniform"
    """Of the hidden layers' kernels."""
    output: Literal["sigmoid", "softmax"] = "sigmoid"
    """One unit for two classes, or one unit per class; more than two classes are always softmax."""
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    """Cross-entropy, or focal loss with gamma 2 (Lin et al., ICCV 2017) with class weights as alpha."""
    label_smoothing: Fraction = 0.0
    """The share of a label that is spread evenly over all classes (Szegedy et al., CVPR 2016)."""
    mixup: Annotated[float, Field(ge=0)] = 0.0
    """Alpha of the shares in which pairs of images are mixed (Zhang et al., ICLR 2018); 0 for none."""
    cutmix: Annotated[float, Field(ge=0)] = 0.0
    """Alpha of the shares in which a box of one image is put into another (Yun et al., ICCV 2019); 0 for none."""
    optimizer: Literal["adam", "adamw", "lion", "rmsprop", "sgd"] = "adam"
    """Optimizer, with the defaults of Keras."""
    weight_decay: Annotated[float, Field(ge=0, lt=1)] | None = None
    """What kernels lose at each step, as a share, times the learning rate; empty for the default of the optimizer."""
    clip_norm: Annotated[float, Field(gt=0)] | None = None
    """Largest norm of all gradients together; empty for any."""
    augment: Name | None = None
    """A policy of ``augment``, ``study`` for the policy of the study's views, or empty for none."""
    learning_rate: Rate = 0.001
    """Initial learning rate."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Whether the rate stays, or falls to 0 until the last epoch, as half a cosine (Loshchilov, Hutter, ICLR 2017)."""
    warmup: Annotated[float, Field(ge=0)] = 0.0
    """Epochs in which the rate rises from 0."""
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    """What the rate is multiplied by from the head to the last feature maps, and from there to each twice as large."""
    ema: Fraction = 0.0
    """Share that an average of the weights keeps at each step; the average is what is measured and kept; 0 for none."""
    epochs: Positive = 20
    """Epochs at most."""
    batch_size: Positive = 32
    """Images per step."""
    monitor: Watched = "loss"
    """The validation figure that early stopping watches."""
    patience: Positive = 5
    """Epochs without a better figure before training stops."""
    plateau: Plateau = Plateau()
    """When the learning rate falls."""
    class_weights: bool = False
    """Whether every class gets the same total weight."""
    sampler: Literal["natural", "balanced"] = "natural"
    """Whether an epoch has every image once, or as many of each class, rare ones repeated."""
    finetune: Finetune = Finetune()
    """The second phase."""
    tta: Tta = "none"
    """Test-time augmentation, in the exported file too: the image alone; the mean over the image and its mirror image
    (``flips``); or over the image and its four corners, enlarged by a ninth (``views``)."""

    @property
    def mixed(self) -> bool:
        """Whether labels are shared between classes in training."""
        return bool(self.label_smoothing or self.mixup or self.cutmix)

    def policy(self, of_the_study: str) -> str | None:
        """The augmentation policy that the model trains with, given that of the study's views."""
        return of_the_study if self.augment == OF_THE_STUDY else self.augment

    def in_use(self) -> dict[str, Any]:
        """The settings as plain values, without empty ones and without a plateau or a finetuning that is off."""
        off = {"plateau"} if self.plateau.patience is None else set()
        off |= set() if self.finetune.epochs else {"finetune"}
        return self.model_dump(mode="json", exclude_none=True, exclude=off)

    @model_validator(mode="after")
    def _features_make_sense(self) -> Model:
        if self.features == "stages" and self.pooling == "flatten":
            raise ValueError("features: stages are pooled; set pooling=average or pooling=max")
        return self

    @model_validator(mode="after")
    def _encoder_stays_as_it_is(self) -> Model:
        if self.backbone != ENCODER:
            return self
        if self.weights in UNPUBLISHED:
            raise ValueError("weights: name the encoder, a key of `encoders` or the path of an .onnx file")
        if not self.frozen or self.finetune.epochs or self.features != "last":
            raise ValueError(
                "backbone: no gradient leads through an ONNX file, nor are its stages known; set frozen=true, "
                "finetune.epochs=0 and features=last"
            )
        return self

    @model_validator(mode="after")
    def _recipe_makes_sense(self) -> Model:
        if self.class_weights and self.sampler == "balanced":
            raise ValueError("sampler: classes would be balanced twice; set sampler=natural or class_weights=false")
        if self.warmup >= self.epochs:
            raise ValueError(f"warmup: no epoch is left after it; set it below epochs ({self.epochs})")
        if self.cutmix and self.frozen:
            raise ValueError("cutmix: boxes are cut from images, not from a frozen backbone's features; set cutmix=0")
        return self

    @model_validator(mode="after")
    def _probe_makes_sense(self) -> Model:
        if self.head != "probe":
            return self
        if not self.frozen:
            raise ValueError("head: a probe stands on a frozen backbone; set frozen=true")
        if self.dense or self.batch_norm or self.loss != "cross_entropy":
            raise ValueError(
                "head: a probe is one layer, fitted to cross-entropy; set dense=[], batch_norm=false and "
                "loss=cross_entropy"
            )
        return self

    @model_validator(mode="after")
    def _frozen_makes_sense(self) -> Model:
        if self.frozen and self.weights == "none":
            raise ValueError("frozen: a frozen backbone needs pretrained weights; set weights=imagenet or a file")
        if self.finetune.epochs and not self.frozen:
            raise ValueError("finetune: only a frozen backbone is finetuned afterwards; set frozen=true")
        return self
