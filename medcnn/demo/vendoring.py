"""Packages of the npm registry, pinned by version and hash: onnxruntime-web, of which three files are taken."""

from __future__ import annotations

import base64
import hashlib
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

import requests

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.runtime import paths

FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""Files of onnxruntime-web's ``dist``: the API, and the CPU's backend with its loader."""
_REGISTRY = "https://registry.npmjs.org"
_TIMEOUT = (10.0, 60.0)


@dataclass(frozen=True)
class Package:
    """One version of a package.

    Attributes:
        name: in the registry.
        version: of the package.
        integrity: its sha512 in base64, as the registry publishes it.
    """

    name: str
    version: str
    integrity: str

    @property
    def address(self) -> str:
        """Where the package is; ``NPM_CONFIG_REGISTRY`` names another registry, as it does for npm."""
        registry = os.environ.get("NPM_CONFIG_REGISTRY") or _REGISTRY
        return f"{registry.rstrip('/')}/{self.name}/-/{self.name}-{self.version}.tgz"

    @property
    def path(self) -> Path:
        """The package on this machine."""
        return paths.state("npm") / f"{self.name}-{self.version}.tgz"

    def fetch(self) -> None:
        """Download the package, unless it is here already.

        Raises:
            MedcnnError: the registry cannot be reached, or gives other bytes than those that are pinned.
        """
        if not (self.path.exists() and self._is_pinned(self.path.read_bytes())):
            files.write_bytes(self.path, self._downloaded())

    def read(self, name: str) -> bytes:
        """A file of the package that ``fetch`` has brought."""
        with tarfile.open(self.path) as package:
            member = package.extractfile(f"package/{name}")
            if member is None:
                raise MedcnnError(f"{self.name} {self.version} holds no file {name}")
            return member.read()

    def _downloaded(self) -> bytes:
        try:
            response = requests.get(self.address, timeout=_TIMEOUT)
            response.raise_for_status()
        except requests.RequestException as error:
            raise MedcnnError(f"{self.address} is needed, and cannot be had: {_reason(error)}") from error
        if not self._is_pinned(response.content):
            raise MedcnnError(f"{self.address} is not the package that is pinned: its sha512 differs")
        return response.content

    def _is_pinned(self, data: bytes) -> bool:
        return hashlib.sha512(data).digest() == base64.b64decode(self.integrity)


RUNTIME = Package(
    "onnxruntime-web",
    "1.30.0",
    "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ==",
)


def copy_runtime(folder: Path) -> None:
    """Write ``FILES``, of the package that was fetched, to a folder."""
    for name in FILES:
        files.write_bytes(folder / name, RUNTIME.read(f"dist/{name}"))


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"the registry answered {error.response.status_code}"
    return "no answer in time" if isinstance(error, requests.Timeout) else "no connection"
