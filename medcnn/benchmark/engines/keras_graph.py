"""TensorFlow: Keras models traced into one graph."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import tensorflow as tf

from medcnn.benchmark.engines.available import Engine
from medcnn.benchmark.engines.members import Networks, answering
from medcnn.benchmark.job import Job
from medcnn.core.seeding import THREADS
from medcnn.networks import saving
from medcnn.networks.outputs import per_class


def opened(job: Job) -> Engine:
    """The networks of a job, at TensorFlow's best: without the determinism that training needs and speed does not."""
    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    return answering(job, partial(_traced, job))


def _traced(job: Job, names: tuple[str, ...]) -> Networks:
    models = [saving.load(Path(job.files[name])) for name in names]
    signature = [tf.TensorSpec((None, *models[0].input_shape[1:]), tf.float32)]
    answers = tf.function(
        lambda images: [model(images, training=False) for model in models], signature, autograph=False
    )
    graph = answers.get_concrete_function()
    return lambda images: np.stack([per_class(answer.numpy()) for answer in graph(tf.constant(images))])
