"""What a ``.keras`` file may hold, checked before Keras opens it: a network of known layers, and its weights.

Keras's own ``safe_mode`` keeps it from running code that a file holds. It still imports modules and calls classes of
Keras that a file names (some of which read other files), makes variables of any size that a file asks for, and follows
links from the weights to other files before it refuses them.
"""

from __future__ import annotations

import io
import json
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from medcnn.core.errors import MedcnnError
from medcnn.networks import encoder

MEMBERS = ("metadata.json", "config.json", "model.weights.h5")
LIMIT = 4 << 30
"""Largest file, in bytes."""
CONFIG_LIMIT = 4 << 20
"""Largest description of a network, in bytes; the largest of ``keras.applications`` that is used here has 1 MB."""

_LAYERS = (
    "Activation Add AveragePooling2D BatchNormalization Concatenate Conv2D Cropping2D Dense DepthwiseConv2D Dropout "
    "Flatten GlobalAveragePooling2D GlobalMaxPooling2D Identity InputLayer LayerNormalization MaxPooling2D Multiply "
    "ReLU Rescaling Reshape SeparableConv2D Softmax ZeroPadding2D"
)
_KNOWN = {
    "keras": {"DTypePolicy", "Sequential"},
    "keras.layers": set(_LAYERS.split()),
    "keras.initializers": {"GlorotUniform", "HeNormal", "Ones", "VarianceScaling", "Zeros"},
    encoder.__name__: {encoder.Encoder.__name__},
    "keras.src.applications.convnext": {"LayerScale"},
    "keras.src.models.functional": {"Functional"},
    "keras.src.ops.image": {"Resize"},
    "keras.src.ops.math": {"Erf"},
    "keras.src.ops.numpy": {"Add", "Concatenate", "Mean", "Multiply", "Reshape", "Sin", "Stack", "Subtract", "Take"},
}


def refuse_unsafe(path: Path) -> None:
    """Refuse anything but a network of layers that this project uses, with all of its weights.

    Raises:
        MedcnnError: it is something else; the message says what was found, without the file's name.
        Exception: it is damaged; raised by ``zipfile``, ``json``, Keras or h5py.
    """
    if path.suffix != ".keras":
        raise MedcnnError("is not a .keras file")
    if path.stat().st_size > LIMIT:
        raise MedcnnError(f"has more than {LIMIT} bytes")
    with zipfile.ZipFile(path) as archive:
        _refuse_other_members(archive.infolist())
        config = json.loads(archive.read("config.json"))
        weights = archive.read("model.weights.h5")
    _refuse_other_classes(config)
    _refuse_links(weights)
    needed = _bytes_of_variables(config)
    if needed > len(weights):
        raise MedcnnError(f"describes a network of {needed} bytes, but holds {len(weights)}")


def _refuse_other_members(members: list[zipfile.ZipInfo]) -> None:
    if sorted(member.filename for member in members) != sorted(MEMBERS):
        raise MedcnnError(f"should hold {', '.join(MEMBERS)} and nothing else")
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise MedcnnError("is compressed, which Keras never does")
    if any(member.file_size > CONFIG_LIMIT for member in members if member.filename.endswith(".json")):
        raise MedcnnError(f"describes its network in more than {CONFIG_LIMIT} bytes")


def _refuse_other_classes(config: Any) -> None:
    """Look at every class that a description names, wherever it stands."""
    waiting = [config]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if "class_name" in item:
                _refuse_class(item)
            if item.get("compile_config"):
                raise MedcnnError("says how to train it, which is not needed")
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _refuse_class(item: dict[str, Any]) -> None:
    module, name = item.get("module"), item["class_name"]
    # Where a layer's output goes, which Keras describes as if it were an object.
    if name == "__keras_tensor__" and module is None:
        return
    if not isinstance(module, str) or name not in _KNOWN.get(module, ()):
        raise MedcnnError(f"asks for {module}.{name}"[:120] + ", which no network of this program has")
    own = f"{encoder.PACKAGE}>{name}" if module == encoder.__name__ else name
    if item.get("registered_name") not in (None, own):
        raise MedcnnError("asks for a registered class, but only those of Keras are allowed")


def _refuse_links(weights: bytes) -> None:
    """Only groups and plain arrays of numbers, all of them whole and in this file."""
    with h5py.File(io.BytesIO(weights)) as file:
        waiting: list[h5py.Group] = [file]
        budget = len(weights)
        while waiting:
            group = waiting.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise MedcnnError("has weights that lie elsewhere (a link)")
                item = group[name]
                # Groups that hold each other would never end.
                budget -= _checked_size(item) if isinstance(item, h5py.Dataset) else 1
                if budget < 0:
                    raise MedcnnError("has more weights than bytes")
                if isinstance(item, h5py.Group):
                    waiting.append(item)


def _checked_size(item: h5py.Dataset) -> int:
    if item.external or item.is_virtual:
        raise MedcnnError("has weights that lie elsewhere (in another file)")
    if item.dtype.kind not in "biuf" or item.chunks:
        raise MedcnnError("has weights that are not plain arrays of numbers")
    return item.nbytes


def _bytes_of_variables(config: Any) -> int:
    """What the variables of a described network need, computed without creating them."""

    def measured() -> int:
        with keras.StatelessScope(initialize_variables=False):
            model = keras.saving.deserialize_keras_object(config, safe_mode=True)
            return sum(int(np.prod(v.shape, dtype=object)) * np.dtype(v.dtype).itemsize for v in model.weights)

    # Keras keeps a list, one for each thread, of variables that it will make later; it goes with this thread.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(measured).result()
