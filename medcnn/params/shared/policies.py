"""Augmentation policies."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from medcnn.params.shared.base import Block, Fraction

_Factor = Annotated[float, Field(gt=0)]
Limits = tuple[_Factor, _Factor]
"""Least and largest factor."""
NO_CHANGE: Limits = (1.0, 1.0)


class Policy(Block):
    """An augmentation policy: ranges that are drawn from evenly, per image."""

    flip: Literal["none", "horizontal", "vertical", "both"] = "none"
    """Axes along which an image is mirrored, with probability 1/2 each."""
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    """Largest angle, in degrees to either side."""
    shift: Fraction = 0.0
    """Largest shift, as a share of the side."""
    shear: Fraction = 0.0
    """Largest shear."""
    zoom: Fraction = 0.0
    """Largest zoom in or out, as a share of the side."""
    elastic: Annotated[float, Field(ge=0, le=0.2)] = 0.0
    """Largest shift of the knots of a grid of 5 by 5 that bends the image, as a share of the side."""
    brightness: Limits = NO_CHANGE
    """Least and largest factor that pixels are multiplied by."""
    contrast: Limits = NO_CHANGE
    """Least and largest factor that pixels are moved away from the image's mean by."""
    gamma: Limits = NO_CHANGE
    """Least and largest exponent of pixels as shares of white; above 1 is darker."""
    noise: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Largest deviation of the noise that is added to every pixel, as a share of white."""
    cutout: Fraction = 0.0
    """Side of a grey square at a random place, as a share of the image's (DeVries and Taylor, 2017)."""

    @field_validator("brightness", "contrast", "gamma")
    @classmethod
    def _in_order(cls, limits: tuple[float, float]) -> tuple[float, float]:
        if limits[0] > limits[1]:
            raise ValueError(f"the lower limit comes first: [{limits[1]}, {limits[0]}]")
        return limits
