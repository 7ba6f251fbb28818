"""Networks written here, by name; each registers itself with a decorator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Body = Callable[[Any], Any]
"""From preprocessed images, a symbolic tensor (batch, H, W, 3), to feature maps (batch, h, w, F)."""

registered: dict[str, Body] = {}
"""All networks of the modules that were imported; ``building`` imports them all."""


def register(name: str) -> Callable[[Body], Body]:
    """Register the decorated body under ``name``; a name already taken is refused."""

    def add(body: Body) -> Body:
        if name in registered:
            raise ValueError(f"network '{name}' is registered twice")
        registered[name] = body
        return body

    return add
