"""A training on some of the training patients, of which nothing is kept but its answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medcnn.core.seeding import pin_tensorflow
from medcnn.dataset.predictions import Predictions
from medcnn.train import failing
from medcnn.train.task import Task


def answers(task: Task, left_out: frozenset[str]) -> Predictions:
    """Train without some groups, and predict the test images.

    Args:
        task: a training of a model by itself.
        left_out: groups whose training images are left out.

    Raises:
        MedcnnError: see ``training.train``.
    """
    pin_tensorflow(task.seed, portable=task.params.compute.portable)
    from medcnn.train import backups, training
    from medcnn.train.identity import identity

    alone = replace(task, left_out=left_out)
    with failing.translate_errors(alone):
        model = training.untrained(alone)
        with backups.claim(identity(alone, model)) as backup:
            probabilities = np.asarray(training.trained(alone, model, backup)[1])
            backup.forget()
    return Predictions.of_rows(alone.rows, alone.classes, probabilities).of("test")
