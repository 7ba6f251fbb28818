"""How the images of a study are resized, and which augmented views of them are made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

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


class Greys(Block):
    """How greys and colours deeper than 8 bits become 0..255; images of 8 bits stay as they are."""

    scale: Literal["auto", "percentiles", "values"] = "auto"
    """`auto`: what the file states (a DICOM window, NIfTI's `cal_min` and `cal_max`), and percentiles where it states
    nothing. `percentiles`: those of each image, whatever the file states. `values`: one window for all files."""
    low: float = 0.5
    """What is black: a percentile or, with `values`, a value as rescaled by the file, such as Hounsfield units."""
    high: float = 99.5
    """What is white, likewise."""

    @model_validator(mode="after")
    def _ordered(self) -> Greys:
        if not self.low < self.high:
            raise ValueError(f"low must be below high (got {self.low:g} and {self.high:g})")
        if self.scale != "values" and not 0 <= self.low < self.high <= 100:
            raise ValueError("low and high are percentiles from 0 to 100; for values say scale: values")
        return self


class Reading(View):
    """How files become pictures, whatever becomes of these."""

    frames: Frames = "all"
    """See ``Images``."""
    greys: Greys = Greys()
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
    greys: Greys = Greys()
    """How deep greys and deep colours are scaled, in training, in `medcnn predict` and in the exported card."""
    views: Views = Views()
    """Augmented views."""
