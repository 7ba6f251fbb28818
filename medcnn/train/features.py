"""Frozen backbones run over the images once: features are cached by the content of everything they depend on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import augment, folds, manifest, pack, views
from medcnn.dataset.shards import Rows, Shard, Shards
from medcnn.dataset.views import Recipe
from medcnn.params import Compute
from medcnn.runtime import locking, paths

BATCH = 16

Inference = Callable[[tf.Tensor], tf.Tensor]
"""From images (batch, S, S, 3), or whatever a network takes, to its output, in inference mode."""


def extracted(extractor: keras.Model, pixels: Shards) -> Shards:
    """Features of prepared images, a shard at a time, from the cache where the same ones were computed before.

    Args:
        extractor: image (batch, S, S, 3) of 0..255 to features (batch, F).
        pixels: uint8 (..., S, S, 3).

    Returns:
        float32 (..., F).
    """
    inference, key, row = _inference(extractor, pixels.dtype), _key(extractor), extractor.output_shape[1:]
    found = []
    for images in pixels.apart():
        digests = [hashlib.sha256(image.data).hexdigest() for image in images]
        name = hashlib.sha256("".join([key, *digests]).encode()).hexdigest()
        cached = Shard(paths.state("features") / f"{name}.npy", (len(images), *row))
        with locking.held(cached.path.with_suffix(".lock"), "computes the same features"):
            if not _whole(cached):
                computed = _computed(inference, images, digests, row)
                with files.replacing(cached.path) as temporary:
                    np.save(temporary, computed)
        found.append(cached)
    return Shards(found, pixels.positions, row, np.float32)


def of_views(extractor: keras.Model, study: str, recipe: Recipe, training: Sequence[int]) -> Shards:
    """Features of the views of a fold's training images.

    ``prepare`` makes views of the training images of the split alone; those of images that other folds train on are
    made here, once for all folds and models.

    Args:
        extractor: as for ``extracted``.
        study: the name of a prepared study.
        recipe: how its views were made.
        training: positions of the fold's N training images among the used ones.

    Returns:
        float32 (K, N, F).
    """
    rows = manifest.used(paths.manifest(study))
    prepared = manifest.indices(rows, "train")
    first = extracted(extractor, pack.views(paths.prepared(study)))
    if list(training) == prepared:
        return first
    parts = folds.read(paths.folds(study))
    others = [i for i, row in enumerate(rows) if row.split != "train" and "train" in parts[row.image_id]]
    second = extracted(extractor, _views(study, recipe, [(index, rows[index].image_id) for index in others]))
    column_of = {index: column for column, index in enumerate([*prepared, *others])}
    return first.beside(second).chosen(np.s_[:, [column_of[index] for index in training]])


def forward(model: keras.Model, inputs: Rows) -> np.ndarray:
    """The model's output for every row of ``inputs``, in inference mode, float32 (N, F)."""
    outputs = np.empty((len(inputs), *model.output_shape[1:]), np.float32)
    _fill(outputs, _inference(model, inputs.dtype), inputs, np.arange(len(inputs)))
    return outputs


def _views(study: str, recipe: Recipe, chosen: Sequence[tuple[int, str]]) -> Shards:
    """The views of some images, made where the same ones were not before."""
    prepared = paths.prepared(study)
    key = (recipe, chosen, pack.digest(pack.images(prepared)), files.sha256(Path(augment.__file__)))
    folder = paths.state("views") / hashlib.sha256(repr(key).encode()).hexdigest()
    with locking.held(folder / "lock", "draws the same views"):
        try:
            return pack.views(folder)
        except MedcnnError:
            # Within a training, which is a task itself.
            views.write(folder, recipe, prepared, chosen, Compute())
    return pack.views(folder)


def _computed(inference: Inference, images: Shards, digests: Sequence[str], row: tuple[int, ...]) -> np.ndarray:
    """Features of a shard, float32 (N, F); of images with the same pixels only the first is computed."""
    features: np.ndarray = np.empty((len(images), *row), np.float32)
    _, first, kind = np.unique(digests, return_index=True, return_inverse=True)
    _fill(features, inference, images, np.sort(first))
    return features[first[kind]]


def _fill(outputs: np.ndarray, inference: Inference, inputs: Rows, rows: np.ndarray) -> None:
    """Compute some rows of ``outputs``."""
    # Shown on a terminal alone.
    for start in tqdm(range(0, len(rows), BATCH), desc="forward", unit="batch", leave=False, disable=None):
        chosen = rows[start : start + BATCH]
        outputs[chosen] = inference(tf.constant(inputs[chosen])).numpy()


def _inference(model: keras.Model, dtype: np.dtype) -> Inference:
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


def _whole(cached: Shard) -> bool:
    """Whether the cache has a readable file; a machine that lost power may leave an empty one."""
    try:
        Shards([cached], np.arange(0), cached.shape[1:], np.float32)
    except MedcnnError:
        return False
    return True


def _key(extractor: keras.Model) -> str:
    """A digest of weights, architecture with preprocessing and precision, and the code that computes."""
    digest = hashlib.sha256()
    for part in (extractor.to_json(), files.sha256(Path(__file__)), tf.__version__, keras.__version__):
        digest.update(part.encode())
    for weight in extractor.weights:
        digest.update(weight.numpy().tobytes())
    return digest.hexdigest()
