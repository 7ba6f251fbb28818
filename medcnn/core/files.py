"""Writers whose bytes depend on their input alone, and which leave either the whole file or none."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import shutil
import socket
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from medcnn.core.errors import MedcnnError

DIGITS = 6
_BLOCK = 1 << 20
_MACHINE = socket.gethostname()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; it takes the place of ``path`` only if the block succeeds.

    The content is on the disk before the name is, so that a power cut leaves no file that is whole by name alone. What
    killed processes of this machine left of the same file is removed.

    Raises:
        OSError: with ``path`` as its file name where the system named none, as when the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_orphans(path)
    temporary = _temporary(path, str(os.getpid()))
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(path: Path, process: str) -> Path:
    # Machines that share a disk may give one number to two processes. The suffix stays last: writers such as Keras
    # choose the format by it.
    return path.with_name(f".{path.stem}.{_MACHINE}-{process}.partial{path.suffix}")


def _remove_orphans(path: Path) -> None:
    before, after = _temporary(path, "*").name.split("*")
    for temporary in path.parent.iterdir():
        process = temporary.name.removeprefix(before).removesuffix(after)
        if temporary.name == f"{before}{process}{after}" and process.isdecimal() and not _lives(int(process)):
            temporary.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path``, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` as UTF-8, line ends as they are, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as JSON with sorted keys, floats rounded to ``DIGITS`` and NaN as null."""
    write_text(path, json.dumps(rounded(value), indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        MedcnnError: it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise MedcnnError(f"{path} is not JSON ({error}); run `dvc repro` to make it again") from error


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a CSV with a header line; the caller decides the order of rows and the format of numbers."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def keep_only(folder: Path, names: Collection[str]) -> None:
    """Remove what models that are not in this run left in a folder of one file, or one folder, a model.

    DVC leaves the outs of a matrix item in place when the item goes; stages that depend on the whole folder would
    read the results of an earlier run, and record a hash that no fresh clone can reach.
    """
    for path in folder.glob("[!.]*"):
        if path.stem not in names:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def rounded(value: Any) -> Any:
    """Round every float in a nested value; NaN and infinities become None, which JSON can carry."""
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        # Adding zero turns -0.0 into 0.0, which would otherwise be two spellings of one number.
        return round(value, DIGITS) + 0.0 if math.isfinite(value) else None
    return value


def sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
