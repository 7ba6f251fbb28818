"""The networks that ``models.<name>.network`` can name; each registers itself with a decorator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from medcnn.console import MedcnnError

Body = Callable[[Any], Any]
"""From preprocessed images, a symbolic tensor (batch, H, W, 3), to features (batch, F)."""


class Rescaling(NamedTuple):
    """A network's preprocessing of 0..255 pixels: ``pixel * scale + offset``."""

    scale: float
    offset: float


@dataclass(frozen=True)
class Network:
    """A network up to its features; the head on top comes from ``models.<name>.dense``.

    Attributes:
        name: What ``models.<name>.network`` calls it.
        body: The layers between the preprocessed image and the features.
        scale: Factor of the preprocessing.
        offset: What the preprocessing adds afterwards.
        smallest: The smallest image side, in pixels, that its layers can work on.
    """

    name: str
    body: Body
    scale: float
    offset: float
    smallest: int


_registered: dict[str, Network] = {}


def register(name: str, *, preprocessing: Rescaling, smallest: int) -> Callable[[Body], Body]:
    """Register the decorated body under ``name``; a name already taken is refused."""

    def add(body: Body) -> Body:
        if name in _registered:
            raise ValueError(f"network '{name}' is registered twice")
        scale, offset = preprocessing
        _registered[name] = Network(name, body, scale, offset, smallest)
        return body

    return add


def networks() -> dict[str, Network]:
    """All networks by name."""
    # Imported here: they register themselves, and they load Keras, which the params check does without.
    import medcnn.models.lite0
    import medcnn.models.networks  # noqa: F401

    return dict(_registered)


def network(name: str) -> Network:
    """The network called ``name``.

    Raises:
        MedcnnError: no such network; the text lists those there are.
    """
    known = networks()
    if name not in known:
        raise MedcnnError(f"unknown network '{name}'; choose from {', '.join(sorted(known))}")
    return known[name]
