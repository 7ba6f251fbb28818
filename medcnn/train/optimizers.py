"""Optimizers by their name in ``params.yaml``.

AdamW is written anew: Keras passes over all weights a dozen times in each step, which the memory's speed limits, and
TensorFlow has one operation for most of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import keras
import tensorflow as tf

from medcnn.params.shared.models import Model


class AdamW(keras.optimizers.AdamW):
    """Keras's AdamW but for rounding (Loshchilov and Hutter, ICLR 2019)."""

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor) -> None:
        """Change a variable by its gradient, and the averages that belong to it."""
        index = self._get_variable_index(variable)
        steps = tf.cast(self.iterations + 1, tf.float32)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(self.beta_1, steps),
            beta2_power=tf.pow(self.beta_2, steps),
            lr=learning_rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )

    def _apply_weight_decay(self, variables: Iterable[keras.Variable]) -> None:
        for variable in filter(self._use_weight_decay, variables):
            value, share = variable.value, self.learning_rate * self.weight_decay
            tf.raw_ops.ResourceApplyGradientDescent(var=value.handle, alpha=share, delta=value)


def approach(variable: tf.Variable, target: tf.Tensor, share: tf.Tensor) -> None:
    """Move a variable to a target by a share of the way, in one pass over it."""
    tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=share, delta=variable - target)


OPTIMIZERS: dict[str, Callable[..., keras.optimizers.Optimizer]] = {
    "adam": keras.optimizers.Adam,
    "adamw": AdamW,
    "lion": keras.optimizers.Lion,
    "rmsprop": keras.optimizers.RMSprop,
    "sgd": keras.optimizers.SGD,
}


def optimizer(settings: Model, variables: list[keras.Variable]) -> Any:
    """The optimizer of the settings, built for the variables; biases and normalisation are spared the weight decay."""
    options = {"weight_decay": settings.weight_decay, "global_clipnorm": settings.clip_norm}
    chosen = {name: value for name, value in options.items() if value is not None}
    found = OPTIMIZERS[settings.optimizer](0.0, **chosen)
    if settings.weight_decay is not None:
        found.exclude_from_weight_decay([variable for variable in variables if len(variable.shape) < 2])
    found.build(variables)
    return found
