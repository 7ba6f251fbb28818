"""A model's pretrained weights: written once as a tracked input, and loaded into its backbone."""

from __future__ import annotations

import io
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.core.seeding import pin_tensorflow
from medcnn.core.zips import write_zip
from medcnn.networks import keras_file
from medcnn.params.catalogue import BACKBONES, KERAS
from medcnn.params.models import Model
from medcnn.params.sources import Weights
from medcnn.weights import finding
from medcnn.weights.torch_weights import READERS, Arrays

ARRAYS = "weights.npz"
KERAS_FILE = "weights.h5"
SUMMARY = "weights.json"


def write(name: str, model: Model, sources: Mapping[str, Weights], folder: Path) -> None:
    """Write a model's pretrained weights and where they come from to ``folder``; without any, a note that says so.

    Args:
        name: the model's name, for errors.
        model: its backbone, and which weights it wants.
        sources: where published weights come from, by backbone.
        folder: gets ``weights.json`` and, for networks of Keras, ``weights.h5``, for others ``weights.npz``.

    Raises:
        MedcnnError: the weights cannot be had, or are not those of the backbone.
    """
    if model.weights == "none":
        files.write_json(folder / SUMMARY, {"weights": "none"})
        return
    if model.weights == "imagenet":
        source = sources[model.backbone]
        path, origin = finding.find(model.backbone, source), source.model_dump(exclude_none=True, exclude={"md5"})
    else:
        path, origin = _own_file(name, model), {"kind": "file", "file": Path(model.weights).name}
    _keep(model.backbone, path, folder)
    summary = {**origin, "backbone": model.backbone, "sha256": files.sha256(path)}
    files.write_json(folder / SUMMARY, {"weights": "imagenet" if model.weights == "imagenet" else "file", **summary})


def load_into(backbone: Any, folder: Path) -> None:
    """Set a Keras model's variables to what ``write`` left in ``folder``.

    Raises:
        MedcnnError: there are no weights in ``folder``, they cannot be read, or they do not fit.
    """
    if (folder / KERAS_FILE).exists():
        path = folder / KERAS_FILE
        _assign_in_order(backbone, keras_file.read(path), str(path))
    else:
        assign(backbone, load(folder))


def load(folder: Path) -> Arrays:
    """Read the arrays that ``write`` left in ``folder``.

    Raises:
        MedcnnError: there are no weights in ``folder``, or they cannot be read.
    """
    path = folder / ARRAYS
    again = f"run `dvc repro weights@{folder.name}`"
    if not path.exists():
        raise MedcnnError(f"{path} not found: {again}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise MedcnnError(f"{path} is broken: {again}") from error


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


def _own_file(name: str, model: Model) -> Path:
    """The file that ``models.<name>.weights`` names, once it has proved to fit the backbone."""
    path = Path(model.weights)
    where = f"models.{name}.weights"
    if not path.is_file():
        raise MedcnnError(f"{where}: no such file: {path}; choose none, imagenet, or the path of a weights file")
    # Keras loads here, so that published weights do without.
    pin_tensorflow(seed=0)
    from medcnn.networks.backbones import build_backbone

    backbone = build_backbone(model.backbone, "average", BACKBONES[model.backbone].smallest)
    try:
        if model.backbone in KERAS:
            _assign_in_order(backbone, keras_file.read(path), path.name)
        else:
            assign(backbone, _read(model.backbone, path))
    except MedcnnError as error:
        raise MedcnnError(f"{where}: {error}") from error
    return path


def _keep(backbone: str, path: Path, folder: Path) -> None:
    """Copy weights to ``folder`` in the form that ``load_into`` reads."""
    if backbone in KERAS:
        with files.replacing(folder / KERAS_FILE) as temporary:
            shutil.copyfile(path, temporary)
        return
    arrays = _read(backbone, path)
    write_zip(folder / ARRAYS, {f"{name}.npy": _npy(array) for name, array in sorted(arrays.items())})


def _read(backbone: str, path: Path) -> Arrays:
    if backbone not in READERS:
        raise MedcnnError(
            f"there are no published weights for backbone '{backbone}', only for {', '.join((*READERS, *KERAS))}"
        )
    return READERS[backbone](path.read_bytes(), path.name)


def _assign_in_order(model: Any, saved: list[list[np.ndarray]], source: str) -> None:
    """Set the weights of a Keras model's layers to what another model of the same layers had saved."""
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


def _depthwise(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a kernel of one filter a channel, saved as (h, w, 1, channels), in a depthwise layer."""
    return (*shape[:2], shape[3], 1) if len(shape) == 4 and shape[2] == 1 else shape


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
