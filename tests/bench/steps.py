"""Training steps in turns that are asked for on standard input: run as a program in a project with prepared images.

    python -m tests.bench.steps WAY STUDY MODEL

Reads how many batches, prints {"images": ..., "seconds": ..., "computed": ...}, and so on.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, count, islice
from typing import Any

import numpy as np

from medcnn.core import seeding
from medcnn.train.batches import Batch, Batches, Pixels
from medcnn.train.task import Task, task

Steps = Callable[[int], int]
"""Trains on so many batches; says how many images they were."""


def main() -> None:
    """Answer until the input ends."""
    way, study, model = sys.argv[1:]
    steps = WAYS[way](task(study, model))
    for line in sys.stdin:
        start, computed = time.perf_counter(), time.process_time()
        images = steps(int(line))
        found = {"seconds": time.perf_counter() - start, "computed": time.process_time() - computed}
        print(json.dumps({"images": images, **found}), flush=True)


def medcnn(job: Task) -> Steps:
    """The pipeline's own training, batches and all."""
    learner, batches = _learning(job)

    def steps(number: int) -> int:
        seen: list[int] = []
        learner.learn(_counted(islice(batches, number), seen), [job.settings.learning_rate] * number)
        return sum(seen)

    return steps


def augmentation(policy: str, job: Task) -> Steps:
    """The pipeline's batches alone, by a policy."""
    training, shape = job.indices("train"), job.params.augment[policy]
    ids = job.rows["image_id"].iloc[training].tolist()
    weights, threads = np.ones(len(training), np.float32), job.placement.cpus_per_task
    inputs = Pixels(job.pixels, training, ids, shape, job.seed)
    made = Batches(inputs, job.labels[training], weights, job.settings.batch_size, job.seed, threads)

    def steps(number: int) -> int:
        # Anew for each turn, or what is made ahead of it would count for nothing.
        batches = chain.from_iterable(map(made.epoch, count()))
        return sum(len(labels) for _, labels, _ in islice(batches, number))

    return steps


def keras(job: Task) -> Steps:
    """What a tutorial of Keras does: layers that augment, in ``tf.data``, and ``compile`` and ``fit``.

    The same network, batch size, optimizer, average of weights, label smoothing, ranges of augmentation and threads;
    without deterministic operations.
    """
    os.environ.update(seeding.ENVIRONMENT)
    import keras
    import tensorflow as tf

    from medcnn.train import training

    tf.config.threading.set_intra_op_parallelism_threads(seeding.THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    network, batch = training.untrained(job), job.settings.batch_size
    augment = keras.Sequential(_layers(job))
    training_rows = job.indices("train")
    labels = np.eye(len(job.classes), dtype=np.float32)[job.labels[training_rows]]
    one, smooth = network.output_shape[-1] == 1, job.settings.label_smoothing
    data = (
        tf.data.Dataset.from_tensor_slices((job.pixels[training_rows], labels[:, 1:] if one else labels))
        .shuffle(len(training_rows))
        .repeat()
        .batch(batch)
        .map(lambda images, truth: (augment(tf.cast(images, tf.float32), training=True), truth), tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )
    loss = keras.losses.BinaryCrossentropy if one else keras.losses.CategoricalCrossentropy
    network.compile(_optimizer(job), loss(label_smoothing=smooth), metrics=["accuracy"])

    def steps(number: int) -> int:
        network.fit(data, steps_per_epoch=number, verbose=0)
        return number * batch

    return steps


INPUTS = {f"input_{policy}": partial(augmentation, policy) for policy in ("gentle", "robust")}
WAYS: dict[str, Callable[[Task], Steps]] = {"medcnn": medcnn, "keras": keras, **INPUTS}


def _learning(job: Task) -> tuple[Any, Iterator[Batch]]:
    seeding.pin_tensorflow(job.seed)
    from medcnn.train import training

    learner, data = training.learning_whole(job, training.untrained(job))
    return learner, chain.from_iterable(map(data.training.epoch, count()))


def _counted(batches: Iterator[Batch], seen: list[int]) -> Iterator[Batch]:
    for batch in batches:
        seen.append(len(batch[1]))
        yield batch


def _layers(job: Task) -> list[Any]:
    from keras import layers

    assert job.policy is not None
    policy = job.params.augment[job.policy]
    unknown = {"shear", "elastic", "brightness", "contrast", "gamma", "noise", "cutout"} & policy.model_fields_set
    used = sorted(key for key in unknown if getattr(policy, key) != type(policy).model_fields[key].default)
    if used:
        sys.exit(f"augment.{job.policy}: plain Keras is not set up for {', '.join(used)}; choose another model")
    flip = {"both": "horizontal_and_vertical"}.get(policy.flip, policy.flip)
    return [
        *([] if flip == "none" else [layers.RandomFlip(flip)]),
        layers.RandomRotation(policy.rotation / 360, fill_mode="constant"),
        layers.RandomTranslation(policy.shift, policy.shift, fill_mode="constant"),
        layers.RandomZoom((-policy.zoom, policy.zoom), fill_mode="constant"),
    ]


def _optimizer(job: Task) -> Any:
    import keras

    block = job.settings
    average = {"use_ema": True, "ema_momentum": block.ema} if block.ema else {}
    config = {"learning_rate": block.learning_rate, "weight_decay": block.weight_decay, **average}
    return keras.optimizers.get({"class_name": block.optimizer, "config": config})


if __name__ == "__main__":
    main()
