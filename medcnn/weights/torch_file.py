"""Read tensors from a PyTorch weights file without PyTorch, and without running anything that the file asks for.

The format is the one of ``torch.save`` before version 1.6: five pickles in a row (a magic number, the protocol, facts
about the machine, the tensors as views into storages, the storages' keys), then each storage as its length and raw
little-endian numbers (``torch/serialization.py``, ``_legacy_save``).
"""

from __future__ import annotations

import io
import math
import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from medcnn.core.errors import MedcnnError

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001

_STORAGES: dict[str, np.dtype[Any]] = {"torch FloatStorage": np.dtype("<f4"), "torch LongStorage": np.dtype("<i8")}
_SKIP = frozenset({"PROTO", "STOP", "BUILD"})
"""BUILD gives a dictionary the versions of modules beside its items."""
_TAKE_TO_MARK = frozenset({"TUPLE", "APPENDS", "SETITEMS"})
_TAKE = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "APPEND": 1, "SETITEM": 2, "BINPERSID": 1, "REDUCE": 2, "BUILD": 1}
"""How much of the stack an opcode uses up; the others leave it alone."""

_MAKE: dict[str, Callable[[Any, list[Any]], Any]] = {
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"), lambda argument, _: argument),
    **dict.fromkeys(("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"), lambda _, taken: tuple(taken)),
    "NONE": lambda *_: None,
    "NEWTRUE": lambda *_: True,
    "NEWFALSE": lambda *_: False,
    "EMPTY_DICT": lambda *_: {},
    "EMPTY_LIST": lambda *_: [],
    "GLOBAL": lambda name, _: _known(name),
    "BINPERSID": lambda _, taken: _storage(*taken),
    "REDUCE": lambda _, taken: _made(*taken),
}
"""What an opcode puts on the stack, of its argument and of what it took off."""

_DICT = "collections OrderedDict"
_TENSOR = "torch._utils _rebuild_tensor_v2"


@dataclass(frozen=True)
class _Name:
    """The module and name of something in Python, as a pickle gives them; never looked up."""

    text: str


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


def _value(file: io.BytesIO) -> Any:
    """What the next pickle in ``file`` says, made of plain values, ``_Storage`` and ``_View``; nothing is called.

    A pickle is a program for a machine with a stack and numbered slots; ``pickletools`` documents each opcode.
    """
    stack: list[Any] = []
    marks: list[int] = []
    slots: dict[Any, Any] = {}
    for opcode, argument, _ in pickletools.genops(file):
        taken = _above(stack, marks.pop() if opcode.name in _TAKE_TO_MARK else len(stack) - _TAKE.get(opcode.name, 0))
        match opcode.name:
            case name if name in _MAKE:
                stack.append(_MAKE[name](argument, taken))
            case "MARK":
                marks.append(len(stack))
            case "APPEND" | "APPENDS":
                stack[-1].extend(taken)
            case "SETITEM" | "SETITEMS":
                _fill(stack[-1], taken)
            case "BINPUT" | "LONG_BINPUT":
                slots[argument] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(slots[argument])
            case name if name not in _SKIP:
                raise MedcnnError(f"holds something else than tensors (pickle opcode {name})")
    return stack.pop()


def _above(stack: list[Any], height: int) -> list[Any]:
    """Take what lies above ``height`` off the stack."""
    if height < 0:
        raise MedcnnError("not a PyTorch weights file")
    items = stack[height:]
    del stack[height:]
    return items


def _fill(target: dict[str, Any], items: list[Any]) -> None:
    names = items[::2]
    if not all(isinstance(name, str) for name in names):
        raise MedcnnError("holds something else than named tensors")
    target.update(zip(names, items[1::2], strict=True))


def _known(text: str) -> _Name:
    if text not in {_DICT, _TENSOR, *_STORAGES}:
        raise MedcnnError(f"asks for {text.replace(' ', '.')}, but only tensors are allowed")
    return _Name(text)


def _storage(pid: Any) -> _Storage:
    match pid:
        case ("storage", _Name(kind), str(key), str(), int(count), None) if kind in _STORAGES:
            return _Storage(key, _STORAGES[kind], count)
    raise MedcnnError("refers to an outside object, but only tensors are allowed")


def _made(name: Any, arguments: Any) -> dict[str, Any] | _View:
    """What a call would have made: an empty dictionary or a tensor; the tensor's facts on gradients are dropped."""
    match name, arguments:
        case _Name(text), () if text == _DICT:
            return {}
        case _Name(text), (_Storage() as storage, int(offset), tuple(shape), tuple(strides), *_) if text == _TENSOR:
            return _View(storage, offset, shape, strides)
        case _Name(text), _ if text == _TENSOR:
            raise MedcnnError("a tensor without a storage")
    raise MedcnnError("calls something, but only tensors are allowed")
