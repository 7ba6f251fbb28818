"""Grad-CAM: where in an image a trained network finds what speaks for a class."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from medcnn.explain.shuffling import shuffle
from medcnn.explain.trust import Maps
from medcnn.networks import encoder
from medcnn.networks.building import extractor
from medcnn.networks.forward import forward


class NoFeatureMapsError(Exception):
    """A network without feature maps, for which Grad-CAM has nothing to show."""


def grad_cam(model: keras.Model, images: np.ndarray, classes: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Grad-CAM (Selvaraju et al., ICCV 2017, https://arxiv.org/abs/1610.02391) at the backbone's last feature maps.

    Each map is weighted by the mean of the class score's gradient over it; what the weighted sum has above zero
    speaks for the class. The score is the class's log-odds before any rounding to a probability: with a sigmoid the
    logit, with a softmax the logit less the log-sum-exp of the others. Softmax logits alone are known only up to a
    number common to all classes, and so are their gradients.

    What is trainable makes no difference. All feature maps are held in memory at once.

    Args:
        model: image to probabilities, with the layers ``backbone``, which ends in ``pooling``, and ``head``.
        images: (N, S, S, 3) of 0..255.
        classes: (N,) indices of the class that is explained in each image.

    Returns:
        float32 (N, h, w), the size of the feature maps; the largest value of an image is 1, or 0 where nothing
        speaks for the class.

    Raises:
        NoFeatureMapsError: the network has none.
    """
    maps = forward(_up_to_the_maps(model), images)
    weights = _gradients(model, maps, _earlier(model, images), classes).mean(axis=(1, 2), keepdims=True)
    heat = np.maximum((weights * maps).sum(axis=-1), 0)
    strongest = heat.max(axis=(1, 2), keepdims=True)
    return np.divide(heat, strongest, out=np.zeros_like(heat), where=strongest > 0)


def maps(model: keras.Model, images: np.ndarray, classes: npt.NDArray[np.int64], rng: np.random.Generator) -> Maps:
    """Grad-CAM of a network, and of the same network after its weights were shuffled, which they stay.

    Raises:
        NoFeatureMapsError: the network has none.
    """
    heat = grad_cam(model, images, classes).astype(np.float64)
    shuffle(model, rng)
    return Maps(heat, grad_cam(model, images, classes).astype(np.float64))


def _up_to_the_maps(model: keras.Model) -> keras.Model:
    """From images to the feature maps (batch, h, w, F) that the backbone pools."""
    backbone = model.get_layer("backbone")
    if not any(layer.name == "pooling" for layer in backbone.layers):
        raise NoFeatureMapsError("it is a mean of networks, each of which has feature maps of its own")
    maps = _pooling(model).input
    if maps is backbone.input:
        raise NoFeatureMapsError("it has no convolutions, and so no feature maps for Grad-CAM")
    if encoder.within(model) and maps.shape[1] == 1:
        raise NoFeatureMapsError(
            "its encoder gives vectors, and so no feature maps for Grad-CAM; `medcnn predict --explain` hides parts of "
            "an image from the exported model instead"
        )
    image = keras.Input(model.input_shape[1:], name="image")
    body = keras.Model(backbone.input, maps, name="body")
    return keras.Model(image, body(model.get_layer("preprocessing")(image)), name="feature_maps")


def _earlier(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """What the head sees besides the last feature maps, (N, E): pooled larger ones where it takes ``stages``."""
    count = model.get_layer("backbone").output_shape[-1] - _pooling(model).output.shape[-1]
    if not count:
        return np.empty((len(images), 0), np.float32)
    return forward(extractor(model), images)[:, :count]


def _gradients(
    model: keras.Model, maps: np.ndarray, earlier: np.ndarray, classes: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Gradients of each image's score for its class with respect to its feature maps; the shape of ``maps``."""
    pooling, head = _pooling(model), model.get_layer("head")
    inputs = tf.constant(maps)
    with _without_activation(head), tf.GradientTape() as tape:
        tape.watch(inputs)
        vectors = tf.concat([tf.constant(earlier), pooling(inputs)], axis=1)
        scores = _log_odds(head(vectors, training=False), classes)
    gradients: npt.NDArray[np.float32] = tape.gradient(scores, inputs).numpy()
    return gradients


def _log_odds(logits: tf.Tensor, classes: npt.NDArray[np.int64]) -> tf.Tensor:
    """The logarithm of p / (1 - p) for each row's class, (N,), from logits (N, C), or (N, 1) before a sigmoid."""
    if logits.shape[1] == 1:
        # sigmoid(z) is the second of softmax(0, z).
        logits = tf.concat([tf.zeros_like(logits), logits], axis=1)
    asked = tf.one_hot(classes, logits.shape[1], on_value=True, off_value=False)
    others = tf.reduce_logsumexp(tf.where(asked, -np.inf, logits), axis=1)
    return tf.boolean_mask(logits, asked) - others


def _pooling(model: keras.Model) -> keras.Layer:
    return model.get_layer("backbone").get_layer("pooling")


@contextmanager
def _without_activation(head: keras.Model) -> Iterator[None]:
    """Let the head end in logits: those of a saturated probability cannot be had back from it."""
    output = next(layer for layer in head._flatten_layers() if layer.name == "probabilities")
    activation, output.activation = output.activation, keras.activations.linear
    try:
        yield
    finally:
        output.activation = activation
