"""A model's pretrained weights, written once as a tracked input; ``networks.pretrained`` loads them."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.core.seeding import pin_tensorflow
from medcnn.core.zips import write_zip
from medcnn.networks import keras_file
from medcnn.networks.pretrained import ARRAYS, ENCODER_FILE, KERAS_FILE, SUMMARY, Arrays, assign, assign_in_order
from medcnn.params.catalogue import Backbone, catalogue
from medcnn.params.encoders import Encoder
from medcnn.params.shared.models import ENCODER, Pretrained
from medcnn.weights import finding
from medcnn.weights.torch_weights import READERS


def write(name: str, model: Pretrained, encoders: Mapping[str, Encoder], folder: Path) -> None:
    """Write a model's pretrained weights, and a note of where they come from and how their network preprocesses.

    Args:
        name: the model's name, for errors.
        model: its backbone, and which weights it wants.
        encoders: of the user's own, by name.
        folder: gets ``weights.json`` and, unless the model wants none, ``weights.h5`` for a network of Keras or
            ``weights.npz`` for another, or ``encoder.onnx``.

    Raises:
        MedcnnError: the weights cannot be had, or are not those of the backbone.
    """
    if model.backbone == ENCODER:
        _write_encoder(name, encoders.get(model.weights, Encoder(file=model.weights)), folder)
        return
    backbone = catalogue().backbones[model.backbone]
    note = {"preprocessing": backbone.preprocessing}
    if model.weights == "none":
        files.write_json(folder / SUMMARY, {**note, "weights": "none"})
        return
    path, origin = _found(name, model, backbone)
    _keep(model.backbone, path, folder)
    files.write_json(folder / SUMMARY, {**note, **origin, "backbone": model.backbone, "sha256": files.sha256(path)})


def _write_encoder(name: str, encoder: Encoder, folder: Path) -> None:
    # ONNX is needed for these alone.
    from medcnn.weights import encoders

    try:
        framed = encoders.framed(encoder)
    except MedcnnError as error:
        raise MedcnnError(f"models.{name}.weights: {error}") from error
    files.write_bytes(folder / ENCODER_FILE, framed.content)
    path = Path(encoder.file)
    note = {
        "preprocessing": {"mean": encoder.mean, "deviation": encoder.deviation},
        "backbone": ENCODER,
        "encoder": framed.arguments,
        "weights": "file",
        "kind": "file",
        "file": path.name,
        "sha256": files.sha256(path),
    }
    files.write_json(folder / SUMMARY, note)


def _found(name: str, model: Pretrained, backbone: Backbone) -> tuple[Path, dict[str, Any]]:
    """The file of a model's weights, and where it comes from."""
    if model.weights != "imagenet":
        return _own_file(name, model, backbone), {"weights": "file", "kind": "file", "file": Path(model.weights).name}
    if backbone.imagenet is None:
        raise MedcnnError(f"models.{name}.weights: there are no pinned ImageNet weights for {model.backbone}")
    origin = backbone.imagenet.model_dump(exclude_none=True, exclude={"md5"})
    return finding.find(model.backbone, backbone.imagenet), {"weights": "imagenet", **origin}


def _own_file(name: str, model: Pretrained, backbone: Backbone) -> Path:
    """The file that ``models.<name>.weights`` names, once it has proved to fit the backbone."""
    path = Path(model.weights)
    where = f"models.{name}.weights"
    if not path.is_file():
        raise MedcnnError(f"{where}: no such file: {path}; choose none, imagenet, or the path of a weights file")
    # Keras loads here, so that published weights do without.
    pin_tensorflow(seed=0)
    from medcnn.networks.building import build_backbone

    network = build_backbone(model.backbone, "average", backbone.smallest)
    try:
        if model.backbone in catalogue().keras:
            assign_in_order(network, keras_file.read(path), path.name)
        else:
            assign(network, _read(model.backbone, path))
    except MedcnnError as error:
        raise MedcnnError(f"{where}: {error}") from error
    return path


def _keep(backbone: str, path: Path, folder: Path) -> None:
    """Copy weights to ``folder`` in the form that ``load_into`` reads."""
    if backbone in catalogue().keras:
        with files.replacing(folder / KERAS_FILE) as temporary:
            shutil.copyfile(path, temporary)
        return
    arrays = _read(backbone, path)
    write_zip(folder / ARRAYS, ((f"{name}.npy", _npy(array)) for name, array in sorted(arrays.items())))


def _read(backbone: str, path: Path) -> Arrays:
    if backbone not in READERS:
        choices = ", ".join((*READERS, *catalogue().keras))
        raise MedcnnError(f"there are no published weights for backbone '{backbone}', only for {choices}")
    return READERS[backbone](path.read_bytes(), path.name)


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
