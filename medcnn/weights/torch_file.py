"""Read tensors from a PyTorch weights file without PyTorch, and without running anything that the file asks for.

The format is the one of ``torch.save`` before version 1.6: five pickles in a row (a magic number, the protocol, facts
about the machine, the tensors as views into storages, the storages' keys), then each storage as its length and raw
little-endian numbers (``torch/serialization.py``, ``_legacy_save``).

A pickle is a program that may name any function of Python and call it. Here its opcodes are checked before it is
obeyed, and the only names that it can call are ``_Tensors`` and ``_View``.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from dataclasses import dataclass
from typing import Any

import numpy as np

from medcnn.core.errors import MedcnnError

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001

_OPCODES = """
    PROTO STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINUNICODE EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3
    EMPTY_DICT EMPTY_LIST APPEND APPENDS SETITEM SETITEMS BINPUT LONG_BINPUT BINGET LONG_BINGET GLOBAL REDUCE BINPERSID
    BUILD
    """.split()  # noqa: SIM905 - a table of words
_SHARED = 16
"""How often values other than texts and names may be used again; PyTorch uses none twice."""


class _Sealed:
    """What a pickle can reach but not change."""

    def __setstate__(self, state: Any) -> None:
        raise MedcnnError("changes a value, but only tensors are allowed")


class _Tensors(dict[str, Any]):
    """The file's ordered dictionary; the versions of modules, which it carries beside its items, are dropped."""

    def __init__(self) -> None:
        super().__init__()

    def __setstate__(self, state: Any) -> None: ...


@dataclass(frozen=True, eq=False)
class _Numbers(_Sealed):
    """The kind of numbers in a storage."""

    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False)
class _Storage(_Sealed):
    """A run of numbers, kept further down in the file under ``key``."""

    key: str
    dtype: np.dtype[Any]
    count: int


@dataclass(frozen=True, eq=False)
class _View(_Sealed):
    """A tensor: where in its storage each element lies, counted in elements; what it says of gradients is ignored."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    requires_grad: Any = False
    backward_hooks: Any = None
    metadata: Any = None

    def __post_init__(self) -> None:
        if not isinstance(self.storage, _Storage):
            raise MedcnnError("a tensor without a storage")

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


_NAMES = {
    ("collections", "OrderedDict"): _Tensors,
    ("torch._utils", "_rebuild_tensor_v2"): _View,
    ("torch", "FloatStorage"): _Numbers(np.dtype("<f4")),
    ("torch", "LongStorage"): _Numbers(np.dtype("<i8")),
}


class TensorUnpickler(pickle.Unpickler):
    """Knows ordered dictionaries and tensors; everything else that a pickle names is refused, not looked up."""

    def find_class(self, module: str, name: str) -> Any:
        """What stands for a name of the file.

        Raises:
            MedcnnError: tensors need no such name.
        """
        if (module, name) not in _NAMES:
            raise MedcnnError(f"asks for {module}.{name}, but only tensors are allowed")
        return _NAMES[module, name]

    def persistent_load(self, pid: Any) -> Any:
        """The storage that a tensor refers to.

        Raises:
            MedcnnError: it is not a storage.
        """
        match pid:
            case ("storage", _Numbers(dtype=dtype), str(key), str(), int(count), None):
                return _Storage(key, dtype, count)
        raise MedcnnError("refers to an outside object, but only tensors are allowed")


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
    # Where a pickle takes what it never put, or a list for a dictionary.
    except Exception as error:
        raise MedcnnError(f"{source}: not a PyTorch weights file, or a broken one ({type(error).__name__})") from error


def _read(file: io.BytesIO) -> dict[str, np.ndarray]:
    if _value(file) != MAGIC or _value(file) != PROTOCOL:
        raise MedcnnError("not a PyTorch weights file")
    if not _value(file)["little_endian"]:
        raise MedcnnError("written on a big-endian machine, which is not supported")
    views = _value(file)
    if not isinstance(views, dict) or not all(
        isinstance(name, str) and isinstance(view, _View) for name, view in views.items()
    ):
        raise MedcnnError("holds something else than named tensors")
    storages = _read_storages(file, _value(file), {view.storage.key: view.storage for view in views.values()})
    return {name: view.read(storages) for name, view in views.items()}


def _value(file: io.BytesIO) -> Any:
    """What the next pickle in ``file`` says, made of plain values, ``_Tensors`` and ``_View``."""
    start = file.tell()
    _check_opcodes(file)
    file.seek(start)
    return TensorUnpickler(file).load()


def _check_opcodes(file: io.BytesIO) -> None:
    """Refuse a pickle that could ask for more memory or time than its own size: see ``pickletools`` on each opcode."""
    texts: set[int] = set()
    before, shared = "", 0
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if opcode.name not in _OPCODES:
            raise MedcnnError(f"holds something else than tensors (pickle opcode {opcode.name})")
        if opcode.name.endswith("BINPUT"):
            # Python makes room for as many slots as the highest number that is named.
            if argument is None or argument > count:
                raise MedcnnError("not a PyTorch weights file")
            (texts.add if before in {"BINUNICODE", "GLOBAL"} else texts.discard)(argument)
        elif opcode.name.endswith("BINGET") and argument not in texts:
            shared += 1
        before = opcode.name
    # Tuples that hold one another twice have a hash that takes 2**n steps.
    if shared > _SHARED:
        raise MedcnnError("holds something else than named tensors")


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
