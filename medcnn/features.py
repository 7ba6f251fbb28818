"""Frozen backbones run over the images once: features are cached by the content of everything they depend on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from medcnn import files, folds, layout, manifest, views
from medcnn.images import augment, pack
from medcnn.views import Recipe

BATCH = 16


def extracted(extractor: keras.Model, pixels: Path) -> np.ndarray:
    """Features of every image in a prepared ``.npy`` file, from the cache where the same ones were computed before.

    Args:
        extractor: image (batch, S, S, 3) of 0..255 to features (batch, F).
        pixels: a uint8 array (..., S, S, 3).

    Returns:
        float32 (..., F), memory-mapped.
    """
    cached = layout.state("features") / f"{_key(extractor, pixels)}.npy"
    if not _whole(cached):
        images = np.load(pixels, mmap_mode="r", allow_pickle=False)
        with files.replacing(cached) as temporary:
            _write(extractor, images, temporary)
    array: np.ndarray = np.load(cached, mmap_mode="r", allow_pickle=False)
    return array


def of_views(extractor: keras.Model, study: str, recipe: Recipe, training: Sequence[int]) -> np.ndarray:
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
    rows = manifest.used(layout.manifest(study))
    prepared = manifest.indices(rows, "train")
    first = extracted(extractor, layout.prepared(study) / pack.VIEWS)
    if list(training) == prepared:
        return first
    parts = folds.read(layout.folds(study))
    others = [i for i, row in enumerate(rows) if row.split != "train" and "train" in parts[row.image_id]]
    second = extracted(extractor, _views(study, recipe, [(index, rows[index].image_id) for index in others]))
    column_of = {index: column for column, index in enumerate([*prepared, *others])}
    columns = [column_of[index] for index in training]
    joined = np.empty((len(first), len(columns), first.shape[-1]), first.dtype)
    for view, pair in enumerate(zip(first, second, strict=True)):
        joined[view] = np.concatenate(pair)[columns]
    return joined


def forward(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """The model's output for every row of ``inputs``, in inference mode, float32 (N, F)."""
    outputs = np.empty((len(inputs), *model.output_shape[1:]), np.float32)
    _fill(outputs, model, inputs, np.arange(len(inputs)))
    return outputs


def _views(study: str, recipe: Recipe, chosen: Sequence[tuple[int, str]]) -> Path:
    """The file of the views of some images, made where the same ones were not before."""
    images = layout.prepared(study) / pack.IMAGES
    key = (recipe, chosen, files.sha256(images), files.sha256(Path(augment.__file__)))
    path = layout.state("views") / f"{hashlib.sha256(repr(key).encode()).hexdigest()}.npy"
    if not _whole(path):
        views.write(path, recipe, pack.images(images.parent), chosen)
    return path


def _write(extractor: keras.Model, images: np.ndarray, path: Path) -> None:
    """Write features as they are computed; of images with the same pixels only the first is."""
    shape = (*images.shape[:-3], *extractor.output_shape[1:])
    written = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    features, flat = written.reshape(-1, shape[-1]), images.reshape(-1, *images.shape[-3:])
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in flat]
    _, first, kind = np.unique(digests, return_index=True, return_inverse=True)
    _fill(features, extractor, flat, np.sort(first))
    for copy in np.setdiff1d(np.arange(len(flat)), first):
        features[copy] = features[first[kind[copy]]]
    written.flush()


def _fill(outputs: np.ndarray, model: keras.Model, inputs: np.ndarray, rows: np.ndarray) -> None:
    """Compute some rows of ``outputs``."""
    inference = _inference(model, inputs.dtype)
    # Shown on a terminal alone.
    for start in tqdm(range(0, len(rows), BATCH), desc=model.name, unit="batch", leave=False, disable=None):
        chosen = rows[start : start + BATCH]
        outputs[chosen] = inference(tf.constant(inputs[chosen])).numpy()


def _inference(model: keras.Model, dtype: np.dtype) -> Callable[[tf.Tensor], tf.Tensor]:
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


def _whole(cached: Path) -> bool:
    """Whether the cache has a readable file; a machine that lost power may leave an empty one."""
    try:
        np.load(cached, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return True


def _key(extractor: keras.Model, pixels: Path) -> str:
    """A digest of weights, architecture with preprocessing and precision, pixels, and the code that computes."""
    digest = hashlib.sha256()
    for part in (
        extractor.to_json(),
        files.sha256(pixels),
        files.sha256(Path(__file__)),
        tf.__version__,
        keras.__version__,
    ):
        digest.update(part.encode())
    for weight in extractor.weights:
        digest.update(weight.numpy().tobytes())
    return digest.hexdigest()
