"""Run as ``sitecustomize``: folders are listed in an order that is another one each time."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from types import TracebackType
from typing import Any

_DICE = random.SystemRandom()
_listdir, _scandir = os.listdir, os.scandir


class _Shuffled(Iterator[Any]):
    def __init__(self, *arguments: Any) -> None:
        with _scandir(*arguments) as entries:
            self._entries = list(entries)
        _DICE.shuffle(self._entries)

    def __next__(self) -> Any:
        if not self._entries:
            raise StopIteration
        return self._entries.pop()

    def __enter__(self) -> _Shuffled:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._entries.clear()


def _shuffled_names(*arguments: Any) -> list[Any]:
    names = _listdir(*arguments)
    _DICE.shuffle(names)
    return names


os.listdir = _shuffled_names
os.scandir = _Shuffled
