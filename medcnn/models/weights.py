"""Published ImageNet weights: found in an installed package, checked, and renamed to the layers of our networks."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np

from medcnn import files, layout, params
from medcnn.console import MedcnnError
from medcnn.models import torch_file
from medcnn.models.archive import write_zip

Arrays = dict[str, np.ndarray]
"""Variables by ``<layer>/<variable>``, with Keras's axes."""

WEIGHTS = "weights.npz"
SUMMARY = "weights.json"

_TOP = {
    "_conv_stem": "stem_conv",
    "_bn0": "stem_bn",
    "_conv_head": "head_conv",
    "_bn1": "head_bn",
    "_fc": "classifier",
}
_BLOCK = {
    "_expand_conv": "expand_conv",
    "_bn0": "expand_bn",
    "_depthwise_conv": "depthwise_conv",
    "_bn1": "depthwise_bn",
    "_project_conv": "project_conv",
    "_bn2": "project_bn",
}
_NORMALISATION = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_LINEAR = {"weight": "kernel", "bias": "bias"}


def write(model: params.Model, sources: Mapping[str, params.Weights], folder: Path) -> None:
    """Write a model's pretrained weights and where they come from to ``folder``; without any, a note that says so."""
    if model.weights == "none":
        files.write_json(folder / SUMMARY, {"weights": "none"})
        return
    source = sources[model.network]
    arrays = provide(model.network, source)
    write_zip(folder / WEIGHTS, {f"{name}.npy": _npy(array) for name, array in sorted(arrays.items())})
    summary = {
        "weights": model.weights,
        "network": model.network,
        "package": source.package,
        "sha256": source.sha256,
        "licence": source.licence,
        "parameters": sum(array.size for name, array in arrays.items() if "/moving_" not in name),
    }
    files.write_json(folder / SUMMARY, summary)


def provide(network: str, source: params.Weights) -> Arrays:
    """The weights of ``network`` from the package that ``source`` names, its classifier's included.

    Raises:
        MedcnnError: the package or its file is missing, is not the one pinned, or holds another network.
    """
    if network != "lite0":
        raise MedcnnError(f"weights.{network}: there are no ImageNet weights for network '{network}', only for lite0")
    data = _published(f"weights.{network}", source)
    tensors = torch_file.read(data, f"{source.package}/{source.file}")
    return dict(_renamed(name, array) for name, array in tensors.items() if not name.endswith("num_batches_tracked"))


def load(folder: Path) -> Arrays:
    """Read what ``write`` wrote.

    Raises:
        MedcnnError: there are no weights in ``folder``, or they cannot be read.
    """
    path = folder / WEIGHTS
    again = f"run `dvc repro weights@{folder.name}`"
    if not path.exists():
        raise MedcnnError(f"{path} not found: {again}")
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except (ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise MedcnnError(f"{path} is broken: {again}") from error


def _published(where: str, source: params.Weights) -> bytes:
    try:
        data = resources.files(source.package).joinpath(source.file).read_bytes()
    except (ImportError, TypeError, ValueError) as error:
        raise MedcnnError(
            f"{where}.package: there is no installed Python package '{source.package}'; "
            "run `python -m pip install -r requirements.txt`"
        ) from error
    except OSError as error:
        raise MedcnnError(f"{where}.file: package '{source.package}' has no file '{source.file}'") from error
    found = hashlib.sha256(data).hexdigest()
    if found != source.sha256:
        raise MedcnnError(
            f"{where}.sha256: '{source.file}' of package '{source.package}' has sha256 {found}, "
            f"not the {source.sha256} in {layout.PARAMS}"
        )
    return data


def _renamed(name: str, array: np.ndarray) -> tuple[str, np.ndarray]:
    """From EfficientNet-PyTorch's names and axes to Keras's."""
    *block, part, variable = name.split(".")
    names = _BLOCK if block else _TOP
    if part not in names:
        raise MedcnnError(f"not the weights of EfficientNet-Lite0: unexpected tensor '{name}'")
    layer = f"block{block[-1]}_{names[part]}" if block else names[part]
    kinds = _NORMALISATION if layer.endswith("_bn") else _LINEAR
    return f"{layer}/{kinds[variable]}", np.ascontiguousarray(array.transpose(_axes(layer, array.ndim)))


def _axes(layer: str, dimensions: int) -> tuple[int, ...]:
    """The order in which Keras has PyTorch's axes, which are (out, in) or (out, in, height, width)."""
    if dimensions == 4:
        # A depthwise kernel is (channels, 1, height, width) there, (height, width, channels, 1) here.
        return (2, 3, 0, 1) if layer.endswith("depthwise_conv") else (2, 3, 1, 0)
    return tuple(reversed(range(dimensions)))


def _npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
