"""How the images of a study are resized, and which augmented views of them are made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from medcnn.params.shared.base import Block, Name, View

Side = Annotated[int, Field(ge=16, le=1024)]
Fit = Literal["stretch", "pad", "crop"]
Frames = Literal["all", "first", "middle"]


class Views(Block):
    """Augmented views made once by ``prepare``, for networks whose backbone is frozen."""

    policy: Name = "light"
    """A policy of ``augment``."""
    count: Annotated[int, Field(ge=0)] = 0
    """Views of each training image."""


class Reading(View):
    """How files become pictures, whatever becomes of these."""

    frames: Frames = "all"
    """See ``Images``."""


class Images(Block):
    """What the networks see."""

    size: Side = 224
    """Side of the square image, in pixels."""
    fit: Fit = "stretch"
    """How an image becomes square: stretched, padded with black, or cropped to its centre."""
    frames: Frames = "all"
    """Which pictures are taken of a file that has several (frames of a DICOM file or an animation, slices of a NIfTI
    volume, pages of a TIFF), as images of one patient: all, the first, or the middle one."""
    views: Views = Views()
    """Augmented views."""
