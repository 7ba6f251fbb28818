"""Pretrained arrays into a network: by name from ``weights.npz``, in order from a file of ``keras.applications``.

Training knows this half of pretrained weights alone; where they come from is the business of ``medcnn.weights``.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.networks import keras_file
from medcnn.params.shared.scaling import PREPROCESSING, Preprocessing, standardising

Arrays = dict[str, np.ndarray]
"""Variables by ``<layer>/<variable>``, with Keras's axes."""

SUMMARY = "weights.json"
ARRAYS = "weights.npz"
KERAS_FILE = "weights.h5"
ENCODER_FILE = "encoder.onnx"
"""From ``pixels`` (batch, S, S, 3), which are preprocessed, to ``maps`` (batch, h, w, F), 1 x 1 where an image has one
vector; the block ``encoder`` of ``SUMMARY`` holds the arguments of the layer that runs it."""


def preprocessing(folder: Path) -> Preprocessing:
    """The preprocessing that a backbone was trained with, as the ``weights`` stage noted it in ``folder``: its name, or
    mean and deviation of each channel.

    Raises:
        MedcnnError: there is no such note.
    """
    path = folder / SUMMARY
    try:
        noted = files.read_json(path)["preprocessing"]
        return PREPROCESSING[noted] if isinstance(noted, str) else standardising(**noted)
    except (OSError, ValueError, KeyError) as error:
        raise MedcnnError(f"{path} names no preprocessing: {_again(folder)}") from error


def load_into(backbone: Any, folder: Path) -> None:
    """Set a Keras model's variables to what the ``weights`` stage left in ``folder``.

    Raises:
        MedcnnError: there are no weights in ``folder``, they cannot be read, or they do not fit.
    """
    if (folder / KERAS_FILE).exists():
        path = folder / KERAS_FILE
        assign_in_order(backbone, keras_file.read(path), str(path))
    else:
        assign(backbone, load(folder))


def load(folder: Path) -> Arrays:
    """Read the arrays that the ``weights`` stage left in ``folder``.

    Raises:
        MedcnnError: there are no weights in ``folder``, or they cannot be read.
    """
    path = folder / ARRAYS
    if not path.exists():
        raise MedcnnError(f"{path} not found: {_again(folder)}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise MedcnnError(f"{path} is broken: {_again(folder)}") from error


def assign(model: Any, arrays: Arrays) -> None:
    """Set every weight of a Keras model's layers to the array called ``<layer>/<variable>``; arrays may be left over.

    Raises:
        MedcnnError: an array is missing or has another shape.
    """
    for layer in model.layers:
        for variable in layer.weights:
            name = f"{layer.name}/{variable.name}"
            if name not in arrays or arrays[name].shape != tuple(variable.shape):
                found = arrays[name].shape if name in arrays else "missing"
                raise MedcnnError(
                    f"pretrained weights do not fit: {name} must have shape {tuple(variable.shape)}, is {found}"
                )
            variable.assign(arrays[name])


def assign_in_order(model: Any, saved: list[list[np.ndarray]], source: str) -> None:
    """Set the weights of a Keras model's layers to those that another model of the same layers saved.

    Args:
        model: a Keras model.
        saved: the arrays of each layer that has weights, as ``keras_file.read`` gives them.
        source: what to call the file in an error.

    Raises:
        MedcnnError: the layers are not the same.
    """
    layers = [layer for layer in model.layers if layer.weights]
    if len(saved) != len(layers):
        raise MedcnnError(f"{source}: has {len(saved)} layers with weights, this backbone has {len(layers)}")
    for layer, arrays in zip(layers, saved, strict=True):
        # The order that Keras saves them in.
        variables = [*layer.trainable_weights, *layer.non_trainable_weights]
        expected, found = [tuple(variable.shape) for variable in variables], [array.shape for array in arrays]
        if found != expected and [_depthwise(shape) for shape in found] != expected:
            raise MedcnnError(f"{source}: layer {layer.name} must have weights of shapes {expected}, has {found}")
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array.reshape(variable.shape))


def _again(folder: Path) -> str:
    return f"run `dvc repro weights@{folder.name}`"


def _depthwise(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape, in a depthwise layer, of a kernel saved as (h, w, 1, channels)."""
    return (*shape[:2], shape[3], 1) if len(shape) == 4 and shape[2] == 1 else shape
