"""Read tensors from a PyTorch weights file without PyTorch, and without running anything that the file asks for.

The format is the one of ``torch.save`` before version 1.6: five pickles in a row (a magic number, the protocol, facts
about the machine, the tensors as views into storages, the storages' keys), then each storage as its length and raw
little-endian numbers (``torch/serialization.py``, ``_legacy_save``).
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from medcnn.console import MedcnnError

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001

_STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

# All that a pickle of plain containers and tensors needs; left out above all is every other way to find a class.
_PLAIN = (
    "PROTO STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINUNICODE EMPTY_DICT EMPTY_LIST EMPTY_TUPLE "
    "TUPLE TUPLE1 TUPLE2 TUPLE3 APPEND APPENDS SETITEM SETITEMS BINPUT LONG_BINPUT BINGET LONG_BINGET BINPERSID "
    "GLOBAL REDUCE BUILD"
)
_OPCODES = frozenset(_PLAIN.split())


@dataclass(frozen=True)
class _Storage:
    """A run of numbers, kept further down in the file under ``key``."""

    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True)
class _View:
    """A tensor: where in its storage each element lies, counted in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def read(self, storages: dict[str, bytes]) -> np.ndarray:
        size = self.storage.dtype.itemsize
        if min(self.shape, default=0) < 0 or math.prod(self.shape) > self.storage.count:
            raise MedcnnError(
                f"a tensor of shape {self.shape} does not fit its storage of {self.storage.count} numbers"
            )
        # NumPy refuses a view that reaches outside of its buffer.
        strides = tuple(stride * size for stride in self.strides)
        view: np.ndarray = np.ndarray(
            self.shape, self.storage.dtype, storages[self.storage.key], self.offset * size, strides
        )
        return view.copy()


def read(data: bytes, source: str) -> dict[str, np.ndarray]:
    """Read the tensors of a weights file.

    Args:
        data: The file's bytes.
        source: What to call the file in an error.

    Returns:
        Arrays by tensor name, in the file's order; float32 or int64, with PyTorch's axes.

    Raises:
        MedcnnError: the file is broken, or holds anything but tensors; nothing it names was run.
    """
    if data[:4] == b"PK\x03\x04":
        raise MedcnnError(f"{source}: a zip-based PyTorch file; only the older format, without zip, can be read")
    try:
        return _read(io.BytesIO(data))
    except MedcnnError as error:
        raise MedcnnError(f"{source}: {error}") from error
    # A broken pickle can raise nearly anything (the pickle module's documentation says so).
    except Exception as error:
        raise MedcnnError(f"{source}: not a PyTorch weights file, or a broken one ({type(error).__name__})") from error


def _read(file: io.BytesIO) -> dict[str, np.ndarray]:
    if _unpickle(file) != MAGIC or _unpickle(file) != PROTOCOL:
        raise MedcnnError("not a PyTorch weights file")
    if not _unpickle(file)["little_endian"]:
        raise MedcnnError("written on a big-endian machine, which is not supported")
    views = _unpickle(file)
    if not isinstance(views, dict) or not all(
        isinstance(name, str) and isinstance(view, _View) for name, view in views.items()
    ):
        raise MedcnnError("holds something else than named tensors")
    storages = _read_storages(file, _unpickle(file), {view.storage.key: view.storage for view in views.values()})
    return {name: view.read(storages) for name, view in views.items()}


def _read_storages(file: io.BytesIO, keys: list[str], expected: dict[str, _Storage]) -> dict[str, bytes]:
    """The storages' bytes by key; their lengths must be those that the tensors were promised."""
    storages = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        if count != expected[key].count:
            raise MedcnnError(f"a storage says that it holds {count} numbers, its tensors {expected[key].count}")
        storages[key] = file.read(count * expected[key].dtype.itemsize)
        if len(storages[key]) < count * expected[key].dtype.itemsize:
            raise MedcnnError("the file ends too early")
    return storages


def _unpickle(file: io.BytesIO) -> Any:
    """The next pickle in ``file``; its opcodes are checked before the first of them runs."""
    start = file.tell()
    for opcode, argument, _ in pickletools.genops(file):
        if opcode.name not in _OPCODES:
            raise MedcnnError(f"holds something else than tensors (pickle opcode {opcode.name})")
        # The unpickler reserves memory up to the highest slot that is named.
        if opcode.name == "LONG_BINPUT" and (argument or 0) > file.tell():
            raise MedcnnError("a pickle asks for more memory than the file could fill")
    file.seek(start)
    return _TensorUnpickler(file).load()


class _TensorUnpickler(pickle.Unpickler):
    """Knows ordered dictionaries and tensors; any other name in the pickle is refused before it is looked up."""

    def find_class(self, module: str, name: str) -> Any:
        known: dict[str, Callable[..., Any]] = {
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
        }
        if module == "torch" and name in _STORAGES:
            return _STORAGES[name]
        if f"{module}.{name}" not in known:
            raise MedcnnError(f"asks for {module}.{name}, but only tensors are allowed")
        return known[f"{module}.{name}"]

    def persistent_load(self, pid: Any) -> _Storage:
        match pid:
            case ("storage", np.dtype() as dtype, str(key), str(), int(count), None):
                return _Storage(key, dtype, count)
        raise MedcnnError("refers to an outside object, but only tensors are allowed")


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_gradient: Any
) -> _View:
    """Stands in for ``torch._utils._rebuild_tensor_v2``; what it says about gradients is dropped."""
    if not isinstance(storage, _Storage):
        raise MedcnnError("a tensor without a storage")
    return _View(storage, offset, shape, strides)
