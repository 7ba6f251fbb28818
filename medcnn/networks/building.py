"""Models from the params: image -> preprocessing -> backbone -> head -> probabilities; also their parts."""

from __future__ import annotations

import math
from pathlib import Path

import keras
from keras import layers

from medcnn.core.errors import MedcnnError

# lite, resnet34 and scratch register their networks.
from medcnn.networks import applications, encoder, lite, preprocessing, pretrained, resnet34, scratch  # noqa: F401
from medcnn.networks.naming import rename
from medcnn.networks.registry import Body, registered
from medcnn.params.shared.models import ENCODER, Model
from medcnn.params.shared.scaling import Preprocessing

CHANNELS = 3
_POOLING = {
    "flatten": layers.Flatten,
    "average": layers.GlobalAveragePooling2D,
    "max": layers.GlobalMaxPooling2D,
}


def build(
    model: Model, image_size: int, classes: int, steps: Preprocessing, weights: Path, multi_label: bool = False
) -> keras.Model:
    """Build an untrained model, its backbone with pretrained weights where the params ask for them.

    Layers compute in Keras's global dtype policy; only the preprocessing and the probabilities are always float32.

    Args:
        model: The backbone, its head, and whether the backbone is frozen.
        image_size: Side of the square images, in pixels.
        classes: How many classes.
        steps: The preprocessing.
        weights: The folder that the ``weights`` stage wrote for this model, read where it wants pretrained weights.
        multi_label: Whether classes are findings, each with a sigmoid of its own.

    Returns:
        A model from ``image``, float32 pixels of 0..255 (batch, image_size, image_size, 3), to ``probabilities``, as
        ``build_head`` gives them. Its parts are the layers ``preprocessing``, ``backbone`` (feature maps and pooling)
        and ``head``; names do not depend on what else was built.

    Raises:
        MedcnnError: the weights are missing, or do not fit.
    """
    own = encoder.body(weights, image_size) if model.backbone == ENCODER else None
    backbone = build_backbone(own or model.backbone, model.pooling, image_size, model.features)
    if model.weights != "none" and own is None:
        pretrained.load_into(backbone, weights)
    backbone.trainable = not model.frozen
    if model.frozen_norm:
        _freeze_normalisation(backbone)
    image = keras.Input((image_size, image_size, CHANNELS), name="image")
    x = preprocessing.layer(steps, image_size)(image)
    features = backbone(x)
    head = build_head(model, features.shape[-1], classes, multi_label)
    return keras.Model(image, head(features), name=model.backbone)


def build_backbone(layers_of: str | Body, pooling: str, image_size: int, features: str = "last") -> keras.Model:
    """An untrained backbone, by its name or its layers.

    It leads from ``pixels`` (batch, image_size, image_size, 3) to features (batch, F).

    Those of the last feature maps come last, pooled by the layer ``pooling``; with ``features`` of ``stages``, those of
    larger maps stand before them, the largest first.

    Raises:
        MedcnnError: no such backbone.
        ValueError: the image is too small for it, as Keras says it.
    """
    pixels = keras.Input((image_size, image_size, CHANNELS), name="pixels")
    maps = (body(layers_of) if isinstance(layers_of, str) else layers_of)(pixels)
    kind = _POOLING[pooling]
    vector = kind(name="pooling")(maps)
    earlier = stages(keras.Model(pixels, maps))[:-1] if features == "stages" else []
    if earlier:
        pooled = [kind(name=f"pooling{number}")(stage) for number, stage in enumerate(earlier, start=1)]
        vector = layers.Concatenate(name="stages")([*pooled, vector])
    return rename(keras.Model(pixels, vector, name="backbone"))


def stages(network: keras.Model) -> list[keras.KerasTensor]:
    """The last feature maps before each halving, (batch, h, w, F), from the largest to those that the network ends in.

    Only maps that all later ones are computed from count: what a block adds up or joins, and not its branches.
    """
    steps = network.operations
    last_use = {id(x): place for place, step in enumerate(steps) for x in keras.tree.flatten(step.input)}
    found, reach = {}, 0
    for place, step in enumerate(steps[1:], start=1):
        # Where nothing that came before is used later.
        if reach <= place and not isinstance(step, layers.ZeroPadding2D):
            # Convolutions without padding make maps a little smaller, too.
            found[round(math.log2(step.output.shape[1]))] = step.output
        reach = max(reach, last_use.get(id(step.output), place))
    return list(found.values())


def body(name: str) -> Body:
    """The layers of the backbone called ``name``, up to its feature maps.

    Raises:
        MedcnnError: neither this project nor Keras has such a backbone.
    """
    return registered[name] if name in registered else applications.body(name)


def build_head(model: Model, features: int, classes: int, multi_label: bool = False) -> keras.Model:
    """Build the head alone: from features (batch, features) to ``probabilities``.

    These are (batch, 1), the probability of the last class, where two classes have a sigmoid output, else
    (batch, classes), a sigmoid each where classes are findings. The layer ``features`` holds what the output is
    computed from; the first link of a chain ends there.
    """
    vector = keras.Input((features,), name="vector")
    x = layers.BatchNormalization(name="batch_norm")(vector) if model.batch_norm else vector
    for index, units in enumerate(model.dense, start=1):
        start = model.initializer
        x = layers.Dense(units, activation="relu", kernel_initializer=start, name=f"dense{index}")(x)
        x = _dropout(x, model.dropout, f"dropout{index}")
    if not model.dense:
        x = _dropout(x, model.dropout, "dropout")
    x = layers.Identity(name="features")(x)
    units = 1 if classes == 2 and model.output == "sigmoid" and not multi_label else classes
    activation = "sigmoid" if units == 1 or multi_label else "softmax"
    probabilities = layers.Dense(units, activation=activation, dtype="float32", name="probabilities")(x)
    return keras.Model(vector, probabilities, name="head")


def extractor(full: keras.Model) -> keras.Model:
    """The part of a built model from ``image`` to the backbone's features (batch, F), in inference mode.

    It shares the built model's variables.
    """
    image = keras.Input(full.input_shape[1:], name="image")
    pixels = full.get_layer("preprocessing")(image)
    return keras.Model(image, full.get_layer("backbone")(pixels, training=False), name="extractor")


def unfreeze(model: keras.Model, unfreeze_from: int) -> None:
    """Make all layers of a built model's frozen backbone trainable, except the first ``unfreeze_from``.

    Batch normalisation stays frozen everywhere, and thus in inference mode: on small batches its ImageNet statistics
    are worth more than new ones.

    Raises:
        MedcnnError: no layer with weights is left to train.
    """
    backbone = model.get_layer("backbone")
    backbone.trainable = True
    for index, layer in enumerate(backbone.layers):
        layer.trainable = index >= unfreeze_from
    _freeze_normalisation(backbone)
    if not backbone.trainable_weights:
        raise MedcnnError(
            f"finetune.unfreeze_from: {unfreeze_from} leaves nothing to train, the backbone has {len(backbone.layers)} "
            "layers; choose a smaller number"
        )


def _freeze_normalisation(backbone: keras.Model) -> None:
    for layer in backbone.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def _dropout(x: keras.KerasTensor, rate: float, name: str) -> keras.KerasTensor:
    return layers.Dropout(rate, name=name)(x) if rate else x
