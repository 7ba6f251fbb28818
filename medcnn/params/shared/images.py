"""How the images of a study are resized, and which augmented views of them are made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from medcnn.params.shared.base import Block, Name

Side = Annotated[int, Field(ge=16, le=1024)]
Fit = Literal["stretch", "pad", "crop"]


class Views(Block):
    """Augmented views made once by ``prepare``, for networks whose backbone is frozen."""

    policy: Name = "light"
    """A policy of ``augment``."""
    count: Annotated[int, Field(ge=0)] = 0
    """Views of each training image."""


class Images(Block):
    """What the networks see."""

    size: Side = 224
    """Side of the square image, in pixels."""
    fit: Fit = "stretch"
    """How an image becomes square: stretched, padded with black, or cropped to its centre."""
    views: Views = Views()
    """Augmented views."""
