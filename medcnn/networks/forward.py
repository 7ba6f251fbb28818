"""A network run over many images, or whatever else it takes, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from medcnn.dataset.shards import Rows

BATCH = 16

Inference = Callable[[tf.Tensor], tf.Tensor]
"""From images (batch, S, S, 3), or whatever a network takes, to its output, in inference mode."""


def forward(model: keras.Model, inputs: Rows) -> np.ndarray:
    """The model's output for every row of ``inputs``, in inference mode, float32 (N, F)."""
    outputs = np.empty((len(inputs), *model.output_shape[1:]), np.float32)
    fill(outputs, inference(model, inputs.dtype), inputs, np.arange(len(inputs)))
    return outputs


def fill(outputs: np.ndarray, infer: Inference, inputs: Rows, rows: np.ndarray) -> None:
    """Compute the given ``rows`` of ``outputs``, and no others."""
    # Shown on a terminal alone.
    for start in tqdm(range(0, len(rows), BATCH), desc="forward", unit="batch", leave=False, disable=None):
        chosen = rows[start : start + BATCH]
        outputs[chosen] = infer(tf.constant(inputs[chosen])).numpy()


def inference(model: keras.Model, dtype: np.dtype) -> Inference:
    """The model as one graph, from inputs of ``dtype``."""
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), dtype)]
    if not any(isinstance(layer, keras.layers.BatchNormalization) for layer in model._flatten_layers()):
        return tf.function(lambda inputs: model(tf.cast(inputs, tf.float32), training=False), signature)
    # As constants of the graph, weights and statistics let TensorFlow fold batch normalisation into convolutions:
    # a ninth faster for ResNet50V2. Without any, they would only make the graph slower to build.
    state = [[v.numpy() for v in part] for part in (model.trainable_variables, model.non_trainable_variables)]

    def folded(inputs: tf.Tensor) -> tf.Tensor:
        trainable, other = ([tf.constant(array) for array in part] for part in state)
        return model.stateless_call(trainable, other, tf.cast(inputs, tf.float32), training=False)[0]

    return tf.function(folded, signature)
