"""onnxruntime-web from the npm registry: one package, pinned by version and hash, of which three files are taken."""

from __future__ import annotations

import base64
import hashlib
import os
import tarfile
from pathlib import Path

import requests

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.runtime import paths

VERSION = "1.30.0"
INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
"""The sha512 of the package, in base64, as the registry publishes it."""
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""Files of the package's ``dist``: the API, and the CPU's backend with its loader."""
_REGISTRY = "https://registry.npmjs.org"
_TIMEOUT = (10.0, 60.0)


def address() -> str:
    """Where the package is; ``NPM_CONFIG_REGISTRY`` names another registry, as it does for npm."""
    registry = os.environ.get("NPM_CONFIG_REGISTRY") or _REGISTRY
    return f"{registry.rstrip('/')}/onnxruntime-web/-/onnxruntime-web-{VERSION}.tgz"


def fetch() -> None:
    """Download the package, unless it is here already.

    Raises:
        MedcnnError: the registry cannot be reached, or gives other bytes than those that are pinned.
    """
    path = _package()
    if not (path.exists() and _is_pinned(path.read_bytes())):
        files.write_bytes(path, _downloaded())


def copy_runtime(folder: Path) -> None:
    """Write ``FILES``, of the package that ``fetch`` has brought, to a folder."""
    with tarfile.open(_package()) as package:
        for name in FILES:
            member = package.extractfile(f"package/dist/{name}")
            if member is None:
                raise MedcnnError(f"onnxruntime-web {VERSION} holds no file {name}")
            files.write_bytes(folder / name, member.read())


def _package() -> Path:
    return paths.state("npm") / f"onnxruntime-web-{VERSION}.tgz"


def _downloaded() -> bytes:
    try:
        response = requests.get(address(), timeout=_TIMEOUT)
        response.raise_for_status()
    except requests.RequestException as error:
        raise MedcnnError(f"the demo needs {address()}, which cannot be had: {_reason(error)}") from error
    if not _is_pinned(response.content):
        raise MedcnnError(f"{address()} is not the package that is pinned: its sha512 differs")
    return response.content


def _is_pinned(data: bytes) -> bool:
    return hashlib.sha512(data).digest() == base64.b64decode(INTEGRITY)


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"the registry answered {error.response.status_code}"
    return "no answer in time" if isinstance(error, requests.Timeout) else "no connection"
