"""Published weights as checked files: from an installed package, from Keras, or from the Hugging Face hub."""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from medcnn.core.errors import MedcnnError
from medcnn.core.seeding import pin_tensorflow
from medcnn.params.catalogue import TABLE
from medcnn.params.pins import HuggingFaceWeights, KerasWeights, PackageWeights, Weights
from medcnn.runtime import paths

_BLOCK = 1 << 20
_PATIENCE = 30.0
"""Seconds of silence after which a download is given up."""


def find(backbone: str, source: Weights) -> Path:
    """The published file of a backbone's weights, downloaded unless it is here; its hash is the pinned one.

    Downloads are kept below ``paths.state("weights")``; a file put there by hand is used.

    Raises:
        MedcnnError: there is no such file, it cannot be fetched, or it is not the pinned one.
    """
    if isinstance(source, PackageWeights):
        return _in_package(backbone, source)
    kept = _place(backbone, source)
    if _matches(kept, source):
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Only a whole file with the right hash leaves the temporary folder.
    with tempfile.TemporaryDirectory(dir=kept.parent, prefix=".partial-") as folder:
        fetched = _fetched(backbone, source, Path(folder))
        if not _matches(fetched, source):
            raise MedcnnError(
                f"weights of {backbone}: {_address(source)} sent a file with {_found(fetched, source)}, which is "
                f"another one or broken; {_by_hand(backbone, source)}"
            )
        fetched.replace(kept)
    return kept


def _in_package(backbone: str, source: PackageWeights) -> Path:
    where = f"weights of {backbone}"
    try:
        path = Path(str(resources.files(source.package).joinpath(source.file)))
    except (ImportError, TypeError, ValueError) as error:
        raise MedcnnError(
            f"{where}: there is no installed Python package '{source.package}'; "
            "run `python -m pip install -r requirements.txt`"
        ) from error
    if not path.is_file():
        raise MedcnnError(f"{where}: package '{source.package}' has no file '{source.file}'")
    if not _matches(path, source):
        raise MedcnnError(
            f"{where}: '{source.file}' of package '{source.package}' has {_found(path, source)}, "
            f"not the {source.sha256} of {TABLE.name}"
        )
    return path


def _fetched(backbone: str, source: KerasWeights | HuggingFaceWeights, folder: Path) -> Path:
    print(f"fetching {_address(source)}")
    try:
        return _from_keras(source, folder) if isinstance(source, KerasWeights) else _from_hub(source, folder)
    # Keras raises bare exceptions, the hub's client those of several libraries.
    except Exception as error:
        failed = f"weights of {backbone}: {_address(source)} cannot be fetched ({_reason(error)})"
        raise MedcnnError(f"{failed}; {_by_hand(backbone, source)}") from error


def _from_keras(source: KerasWeights, folder: Path) -> Path:
    # TensorFlow loads here, so that other weights do without; this also keeps its remarks off the terminal.
    pin_tensorflow(seed=0)
    import keras

    if not sys.stdout.isatty():
        keras.config.disable_interactive_logging()
    with _impatient():
        return Path(keras.utils.get_file("weights.h5", source.url, cache_dir=folder, cache_subdir=""))


def _from_hub(source: HuggingFaceWeights, folder: Path) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    # It retries by itself, and logs what the error says in the end.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    if not sys.stderr.isatty():
        disable_progress_bars()
    return Path(hf_hub_download(source.repo, source.file, revision=source.revision, local_dir=folder))


@contextmanager
def _impatient() -> Iterator[None]:
    """Give up on a silent server, for which Keras's downloader would wait forever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _place(backbone: str, source: KerasWeights | HuggingFaceWeights) -> Path:
    return paths.state("weights") / backbone / Path(_address(source)).name


def _address(source: KerasWeights | HuggingFaceWeights) -> str:
    if isinstance(source, KerasWeights):
        return source.url
    return f"https://huggingface.co/{source.repo}/resolve/{source.revision}/{source.file}"


def _by_hand(backbone: str, source: KerasWeights | HuggingFaceWeights) -> str:
    algorithm, pinned = _pin(source)
    place = os.path.relpath(_place(backbone, source))
    return f"fetch it by hand, check that its {algorithm} is {pinned}, and put it at {place}"


def _pin(source: Weights) -> tuple[str, str]:
    """The kind of hash that a file must have, and its value."""
    if source.sha256 is None:
        return "md5", str(source.md5)
    return "sha256", source.sha256


def _matches(path: Path, source: Weights) -> bool:
    algorithm, pinned = _pin(source)
    return path.is_file() and _digest(path, algorithm) == pinned


def _found(path: Path, source: Weights) -> str:
    algorithm, _ = _pin(source)
    return f"{algorithm} {_digest(path, algorithm)}"


def _digest(path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _reason(error: BaseException) -> str:
    """The first line of the root cause of a network error."""
    beneath = error.__cause__ or error.__context__
    if beneath is not None:
        return _reason(beneath)
    return (str(error).splitlines() or [type(error).__name__])[0]
