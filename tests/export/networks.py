"""Untrained networks in the shape of the project's models, with one of each layer that the project uses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medcnn.core import files
from medcnn.core.seeding import pin_tensorflow
from medcnn.dataset import manifest, pack, predictions
from medcnn.dataset.predictions import Predictions
from medcnn.params import whole
from medcnn.runtime import paths
from tests.project import SIZE, prepared_study, shrink
from tests.results import examples

if TYPE_CHECKING:
    import keras


STUDY = "phantom"


def small_network(classes: int, size: int, gain: float = 0.0, seed: int = 5) -> keras.Model:
    """From ``image`` to ``probabilities``; a high ``gain`` makes the answer hang on the last bits of a float."""
    pin_tensorflow(seed)
    import keras
    from keras import layers

    pixels = keras.Input((size, size, 3), name="pixels")
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(pixels)
    x = layers.ReLU(max_value=6)(layers.BatchNormalization(epsilon=1e-3)(x))
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    y = layers.ReLU(max_value=6)(layers.BatchNormalization(epsilon=1e-3)(y))
    x = layers.Add()([x, layers.Conv2D(8, 1, activation="relu")(y)])
    pooled, flat = layers.GlobalAveragePooling2D()(x), layers.Flatten()(layers.MaxPooling2D(4)(x))
    backbone = keras.Model(pixels, layers.Concatenate()([pooled, flat]), name="backbone")

    vector = keras.Input(backbone.output_shape[1:], name="vector")
    x = layers.Dense(12, activation="relu")(layers.Dropout(0.3)(vector))
    x = keras.ops.sin(gain * x) if gain else x
    units, activation = (1, "sigmoid") if classes == 2 else (classes, "softmax")
    head = keras.Model(vector, layers.Dense(units, activation=activation, name="probabilities")(x), name="head")

    image = keras.Input((size, size, 3), name="image")
    scaled = layers.Rescaling(1 / 127.5, offset=-1, name="preprocessing")(image)
    model = keras.Model(image, head(backbone(scaled)))
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        if variable.path.split("/")[-1] in {"gamma", "moving_variance"}:
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
        elif len(variable.shape) == 1:
            variable.assign(rng.normal(0, 0.2, variable.shape))
    return model


def trained_study(folder: Path, networks: Mapping[str, keras.Model], **changes: Any) -> Path:
    """A prepared study with networks as if they had been trained on it; ``__`` stands for the dots of a key path."""
    from medcnn.networks import saving

    folder.mkdir(exist_ok=True)
    none: dict[str, Any] = {"first": [], "second": []}
    run = {"models": list(networks), "chains": none, "cascades": none, "stress": []}
    keys = {f"run.{key}": value for key, value in run.items()} | {f"studies.{STUDY}.images.size": SIZE}
    shrink(folder, keys | {key.replace("__", "."): value for key, value in changes.items()})
    classes = whole.load(folder / paths.PARAMS).study(STUDY).labels.class_names
    prepared_study(folder, STUDY, classes, images=96)
    files.write_json(folder / paths.metrics("split", STUDY), examples.split(fingerprint="0" * 64))
    for macs, (name, network) in enumerate(networks.items(), start=1):
        saving.save(network, folder / paths.keras_model(STUDY, name))
        files.write_json(folder / paths.metrics("train", STUDY, name), examples.trained(macs=macs))
        predictions.write(folder / paths.predictions(STUDY) / f"{name}.csv", _predicted(folder, network, classes))
    return folder


def _predicted(folder: Path, network: keras.Model, classes: tuple[str, ...]) -> Predictions:
    rows = manifest.used(folder / paths.manifest(STUDY))
    labels = np.array([classes.index(label) for label in rows["label"]])
    images = pack.images(folder / paths.prepared(STUDY))[:].astype(np.float32)
    probabilities = network.predict_on_batch(images).astype(np.float64)
    return Predictions(classes, rows["image_id"], rows["split"], labels, probabilities)
