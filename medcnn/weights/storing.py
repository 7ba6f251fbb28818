"""A model's pretrained weights, written once as a tracked input; ``networks.pretrained`` loads them."""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.core.seeding import pin_tensorflow
from medcnn.core.zips import write_zip
from medcnn.networks import keras_file
from medcnn.networks.pretrained import ARRAYS, KERAS_FILE, Arrays, assign, assign_in_order
from medcnn.params.catalogue import BACKBONES, KERAS
from medcnn.params.pins import Weights
from medcnn.params.shared.models import Pretrained
from medcnn.weights import finding
from medcnn.weights.torch_weights import READERS

SUMMARY = "weights.json"


def write(name: str, model: Pretrained, sources: Mapping[str, Weights], folder: Path) -> None:
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


def _own_file(name: str, model: Pretrained) -> Path:
    """The file that ``models.<name>.weights`` names, once it has proved to fit the backbone."""
    path = Path(model.weights)
    where = f"models.{name}.weights"
    if not path.is_file():
        raise MedcnnError(f"{where}: no such file: {path}; choose none, imagenet, or the path of a weights file")
    # Keras loads here, so that published weights do without.
    pin_tensorflow(seed=0)
    from medcnn.networks.building import build_backbone

    backbone = build_backbone(model.backbone, "average", BACKBONES[model.backbone].smallest)
    try:
        if model.backbone in KERAS:
            assign_in_order(backbone, keras_file.read(path), path.name)
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
    write_zip(folder / ARRAYS, ((f"{name}.npy", _npy(array)) for name, array in sorted(arrays.items())))


def _read(backbone: str, path: Path) -> Arrays:
    if backbone not in READERS:
        raise MedcnnError(
            f"there are no published weights for backbone '{backbone}', only for {', '.join((*READERS, *KERAS))}"
        )
    return READERS[backbone](path.read_bytes(), path.name)


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
