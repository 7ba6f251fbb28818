"""A network that learns: its loss, its optimizer, the average of its weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from medcnn.networks.folding import folded
from medcnn.networks.outputs import per_class
from medcnn.params.shared.models import Model
from medcnn.train.backups import Arrays
from medcnn.train.batches import Batch
from medcnn.train.losses import Loss, of_shares
from medcnn.train.measuring import auroc
from medcnn.train.optimizers import approach, optimizer
from medcnn.train.stopping import Figures


class Learner:
    """A network with its loss and optimizer: it learns from batches and is measured on others."""

    def __init__(
        self,
        network: keras.Model,
        settings: Model,
        loss: Loss,
        dtype: np.dtype,
        findings: tuple[int, ...] = (),
        *,
        shared: bool = False,
    ) -> None:
        """A learner of a network.

        Args:
            network: from inputs of ``dtype`` to probabilities.
            settings: how it learns.
            loss: of labels and probabilities.
            dtype: of the inputs.
            findings: (K,) where the truth of an image is K zeros and ones.
            shared: whether it learns shares of the classes rather than labels.
        """
        self.network = network
        self._learning = folded(network) if settings.frozen_norm else network
        self._settings = settings
        self._loss = loss
        classes = max(2, network.output_shape[-1])
        self._learning_loss = of_shares(loss, classes) if shared else loss
        self._optimizer = optimizer(settings, network.trainable_variables)
        self._factors = _factors(network, settings.layer_decay)
        self._followed = _averaged(network) if settings.ema else []
        self._averages = [tf.Variable(variable.value, trainable=False) for variable in self._followed]
        inputs, labels = (
            tf.TensorSpec((None, *network.input_shape[1:]), dtype),
            tf.TensorSpec((None, *findings), tf.int64),
        )
        shares = tf.TensorSpec((None, classes), tf.float32) if shared else labels
        self._learn = tf.function(self._learn_batch, [inputs, shares, tf.TensorSpec((None, *findings), tf.float32)])
        self._measure = tf.function(self._measure_batch, [inputs, labels])

    def learn(self, batches: Iterable[Batch], rates: Sequence[float]) -> Figures:
        """Take one step per batch, each with its rate; the figures are those of the network as it was at each step."""
        found = []
        for (inputs, labels, weights), rate in zip(batches, rates, strict=True):
            self._optimizer.learning_rate = rate
            found.append((len(labels), *self._learn(inputs, labels, weights)))
        return _figures(found)

    def measure(self, batches: Iterable[Batch]) -> Figures:
        """Figures in inference mode; sample weights do not count."""
        found, truths, answers = [], [], []
        for inputs, labels, _ in batches:
            losses, hits, probabilities = self._measure(inputs, labels)
            found.append((len(labels), losses, hits))
            truths.append(labels)
            answers.append(probabilities)
        if "auroc" not in (self._settings.monitor, self._settings.plateau.monitor):
            return _figures(found)
        return _figures(found, auroc(np.concatenate(truths), np.concatenate(answers)))

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The network with the averages of its weights, where the settings ask for them."""
        own = [np.asarray(variable) for variable in self._followed]
        _assign(self._followed, self._averages)
        try:
            yield
        finally:
            _assign(self._followed, own)

    @property
    def state(self) -> Arrays:
        """The weights, the optimizer's state, and the averages."""
        return [np.asarray(variable) for variable in self._variables]

    @state.setter
    def state(self, arrays: Arrays) -> None:
        _assign(self._variables, arrays)

    @property
    def _variables(self) -> list[keras.Variable | tf.Variable]:
        return [*self.network.weights, *self._optimizer.variables, *self._averages]

    def _learn_batch(self, inputs: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        variables = self.network.trainable_weights
        with tf.GradientTape() as tape:
            probabilities = self._learning(tf.cast(inputs, tf.float32), training=True)
            losses = self._learning_loss(labels, probabilities) * weights
            mean = tf.reduce_mean(losses)
        self._step(tape.gradient(mean, variables), variables)
        return _total(losses), _hits(labels, probabilities)

    def _step(self, gradients: list[tf.Tensor], variables: list[keras.Variable]) -> None:
        """Change the weights, those further from the head by less, and follow them with their averages."""
        slower = [(variable, factor) for variable, factor in zip(variables, self._factors, strict=True) if factor < 1]
        before = [tf.identity(variable.value) for variable, _ in slower]
        self._optimizer.apply(gradients, variables)
        for (variable, factor), old in zip(slower, before, strict=True):
            variable.assign(old + factor * (variable.value - old))
        if self._averages:
            # The first steps count for more, or the average would stay with the weights that it began with.
            steps = tf.cast(self._optimizer.iterations.value, tf.float32)
            kept = tf.minimum(self._settings.ema, (1 + steps) / (10 + steps))
            for average, followed in zip(self._averages, self._followed, strict=True):
                approach(average, followed.value, 1 - kept)

    def _measure_batch(self, inputs: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        probabilities = self.network(tf.cast(inputs, tf.float32), training=False)
        return _total(self._loss(labels, probabilities)), _hits(labels, probabilities), probabilities


def _factors(network: keras.Model, decay: float) -> list[float]:
    """What the learning rate of each trainable weight is multiplied by: less, the larger the maps of its layer."""
    factors: dict[str, float] = {}
    if decay < 1 and any(layer.name == "backbone" for layer in network.layers):
        backbone = network.get_layer("backbone")
        smallest = backbone.get_layer("pooling").input.shape[1]
        for layer in backbone.layers:
            depth = 1 + round(math.log2(layer.output.shape[1] / smallest)) if len(layer.output.shape) == 4 else 1
            factors |= {weight.path: decay**depth for weight in layer.weights}
    return [factors.get(weight.path, 1.0) for weight in network.trainable_weights]


def _averaged(network: keras.Model) -> list[keras.Variable]:
    """The weights that are learnt, and the statistics of batch normalisation that are."""
    statistics = [
        statistic
        for layer in network._flatten_layers()
        if isinstance(layer, layers.BatchNormalization) and layer.trainable
        for statistic in layer.non_trainable_variables
    ]
    return [*network.trainable_weights, *statistics]


def _assign(variables: Sequence[keras.Variable | tf.Variable], values: Iterable[np.ndarray | tf.Variable]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _total(losses: tf.Tensor) -> tf.Tensor:
    """The sum over images; the loss of an image with several findings is their mean."""
    return tf.reduce_sum(losses if len(losses.shape) == 1 else tf.reduce_mean(losses, axis=1))


def _hits(labels: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """How many images are predicted as what they are; with several findings all of them."""
    if len(labels.shape) == 2 and labels.dtype == tf.int64:
        return tf.math.count_nonzero(tf.reduce_all((probabilities > 0.5) == (labels == 1), axis=1))
    truth = labels if len(labels.shape) == 1 else tf.argmax(labels, axis=-1)
    return tf.math.count_nonzero(tf.argmax(per_class(probabilities, tf.concat), axis=-1) == truth)


def _figures(batches: Sequence[tuple[int, tf.Tensor, tf.Tensor]], auroc: float = 0.5) -> Figures:
    """Means over images from (images, sum of losses, right answers) of each batch."""
    images, losses, hits = (sum(float(value) for value in values) for values in zip(*batches, strict=True))
    return Figures(losses / images, hits / images, auroc)
