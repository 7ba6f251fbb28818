"""Modules that load TensorFlow: imported when a test first uses them, so that collecting the tests takes seconds."""

from __future__ import annotations

import importlib
from functools import cache
from types import ModuleType
from typing import Any

from medcnn.core.seeding import pin_tensorflow


@cache
def _imported(name: str) -> ModuleType:
    """The module, behind a TensorFlow that is pinned as the stages pin it."""
    pin_tensorflow(0)
    return importlib.import_module(name)


class Lazy:
    """Stands for a module until one of its attributes is asked for."""

    def __init__(self, name: str) -> None:
        self.__dict__["_name"] = name

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):  # pytest looks for such on every name of a test module
            raise AttributeError(attribute)
        return getattr(_imported(self._name), attribute)

    def __setattr__(self, attribute: str, value: Any) -> None:
        setattr(_imported(self._name), attribute, value)


def lazy(name: str) -> Any:
    """The module of this name, not yet imported."""
    return Lazy(name)
