"""Frozen backbones run over the images once: features are cached by the content of everything they depend on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from medcnn import files, layout

BATCH = 32


def extracted(extractor: keras.Model, pixels: Path) -> np.ndarray:
    """Features of every image in a prepared ``.npy`` file, from the cache where the same ones were computed before.

    Args:
        extractor: image (batch, S, S, 3) float32 0..255 to features (batch, F).
        pixels: a uint8 array (..., S, S, 3).

    Returns:
        float32 (..., F), memory-mapped.
    """
    cached = layout.state("features") / f"{_key(extractor, pixels)}.npy"
    if not _whole(cached):
        images = np.load(pixels, mmap_mode="r", allow_pickle=False)
        flat = images.reshape(-1, *images.shape[-3:])
        features = forward(extractor, flat).reshape(*images.shape[:-3], -1)
        with files.replacing(cached) as temporary:
            np.save(temporary, features)
    array: np.ndarray = np.load(cached, mmap_mode="r", allow_pickle=False)
    return array


def _whole(cached: Path) -> bool:
    """Whether the cache has a readable file; a machine that lost power may leave an empty one."""
    try:
        np.load(cached, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return True


def forward(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    """The model's output for every row of ``inputs``, in inference mode, float32 (N, F)."""
    traced = tf.function(lambda batch: model(batch, training=False), reduce_retracing=True)
    outputs = np.zeros((len(inputs), *model.output_shape[1:]), np.float32)
    for start in range(0, len(inputs), BATCH):
        batch = np.asarray(inputs[start : start + BATCH], np.float32)
        outputs[start : start + len(batch)] = traced(tf.constant(batch)).numpy()
    return outputs


def _key(extractor: keras.Model, pixels: Path) -> str:
    """A digest of weights, architecture with its preprocessing, pixels and the libraries that compute."""
    digest = hashlib.sha256()
    for part in (extractor.to_json(), files.sha256(pixels), tf.__version__, keras.__version__):
        digest.update(part.encode())
    for weight in extractor.weights:
        digest.update(np.ascontiguousarray(weight.numpy()).tobytes())
    return digest.hexdigest()
