"""What an ONNX file may hold, read off its bytes before any library that would act on them sees it.

ONNX Runtime opens more than a network of this project needs. Constants of a nested graph may lie in another file, which
it reads even where the model itself came as bytes; operators may come from anyone; functions may call each other
until a few hundred bytes are millions of nodes; a loop may never end.

A protobuf message is a row of fields, each a key, ``number << 3 | kind``, and a value:
https://protobuf.dev/programming-guides/encoding. The numbers are those of https://github.com/onnx/onnx, ``onnx.proto``.
"""

from __future__ import annotations

from collections.abc import Iterator

from medcnn.core.errors import MedcnnError

LIMIT = (2 << 30) - 1
"""Largest file, in bytes; protobuf has no larger messages."""

_FIELDS = 1_000_000
_DEPTH = 16
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_PARTS = {
    ("model", 7): "graph",
    ("graph", 1): "node",
    ("graph", 5): "tensor",
    ("node", 5): "attribute",
    ("attribute", 5): "tensor",
    ("attribute", 6): "graph",
    ("attribute", 10): "tensor",
    ("attribute", 11): "graph",
}
_OPERATOR, _DOMAIN, _LOCATION = ("node", 4), ("node", 7), ("tensor", 14)
_REFUSED = {
    ("model", 20): "brings training steps",
    ("model", 25): "brings functions of its own",
    ("graph", 15): "has sparse constants",
    ("attribute", 22): "has sparse constants",
    ("attribute", 23): "has sparse constants",
    ("tensor", 3): "keeps a constant in pieces",
    ("tensor", 13): "keeps data in other files",
}
_STANDARD = frozenset({b"", b"ai.onnx"})
_LOOPS = frozenset({b"Loop", b"Scan", b"SequenceMap"})


def refuse_unsafe(content: bytes) -> None:
    """Refuse what is no plain network, whole in one file, of operators of the ONNX standard, without loops.

    Raises:
        MedcnnError: it is not; the text says what was found, and lacks the file's name.
    """
    seen = 0
    waiting = [("model", 0, len(content), 0)]
    while waiting:
        message, start, end, depth = waiting.pop()
        if depth > _DEPTH:
            raise MedcnnError(f"nests graphs more than {_DEPTH // 3} deep")
        for number, value, stop in _fields(content, start, end):
            seen += 1
            if seen > _FIELDS:
                raise MedcnnError(f"has more than {_FIELDS} parts")
            _refuse_field((message, number), content, value, stop)
            part = _PARTS.get((message, number))
            if part and stop:
                waiting.append((part, value, stop, depth + 1))


def _refuse_field(field: tuple[str, int], content: bytes, value: int, stop: int) -> None:
    if field in _REFUSED:
        raise MedcnnError(_REFUSED[field])
    if field == _LOCATION and value:
        raise MedcnnError(_REFUSED["tensor", 13])
    if field == _DOMAIN and content[value:stop] not in _STANDARD:
        raise MedcnnError(f"needs operators of {_shown(content[value:stop])}, which are not of the ONNX standard")
    if field == _OPERATOR and content[value:stop] in _LOOPS:
        raise MedcnnError(f"has a loop (operator {_shown(content[value:stop])}), which may never end")


def _fields(content: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The fields of one message: number, value and 0, or number, start and end of its bytes."""
    while start < end:
        key, start = _varint(content, start, end)
        kind = key & 7
        if kind == _VARINT:
            value, start = _varint(content, start, end)
            yield key >> 3, value, 0
            continue
        if kind == _BYTES:
            size, start = _varint(content, start, end)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise MedcnnError("is not an ONNX model, or a broken one")
        if size > end - start:
            raise MedcnnError("is not an ONNX model, or is cut off")
        yield key >> 3, start, start + size
        start += size


def _varint(content: bytes, at: int, end: int) -> tuple[int, int]:
    """A number in base 128, the lowest digit first, and where the next field begins."""
    value = 0
    for shift in range(0, 70, 7):
        if at == end:
            raise MedcnnError("is not an ONNX model, or is cut off")
        digit = content[at]
        at += 1
        value |= (digit & 127) << shift
        if digit < 128:
            return value, at
    raise MedcnnError("is not an ONNX model, or a broken one")


def _shown(text: bytes) -> str:
    return repr(text[:40].decode(errors="replace"))
