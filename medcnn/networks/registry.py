"""The networks written here, by name; each registers itself with a decorator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from medcnn.core.errors import MedcnnError
from medcnn.params import catalogue

Body = Callable[[Any], Any]
"""From preprocessed images, a symbolic tensor (batch, H, W, 3), to feature maps (batch, h, w, F)."""

_registered: dict[str, Body] = {}


def register(name: str) -> Callable[[Body], Body]:
    """Register the decorated body under ``name``; a name already taken is refused."""

    def add(body: Body) -> Body:
        if name in _registered:
            raise ValueError(f"network '{name}' is registered twice")
        _registered[name] = body
        return body

    return add


def registered() -> dict[str, Body]:
    """All networks written here, by name."""
    # Imported here: they register themselves, and they load Keras, which the params check does without.
    import medcnn.networks.lite0
    import medcnn.networks.resnet34
    import medcnn.networks.scratch  # noqa: F401

    return dict(_registered)


def body(name: str) -> Body:
    """The layers of the backbone called ``name``, up to its feature maps.

    Raises:
        MedcnnError: no such backbone; the text lists those there are.
    """
    if name in catalogue.KERAS:
        from medcnn.networks import applications

        return applications.body(name)
    own = registered()
    if name not in own:
        raise MedcnnError(f"unknown backbone '{name}'; choose from {', '.join(sorted(catalogue.BACKBONES))}")
    return own[name]
