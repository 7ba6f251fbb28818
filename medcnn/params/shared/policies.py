"""Augmentation policies."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from medcnn.params.shared.base import Block, Fraction


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
    brightness: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (1.0, 1.0)
    """Least and largest factor that pixels are multiplied by."""

    @field_validator("brightness")
    @classmethod
    def _in_order(cls, limits: tuple[float, float]) -> tuple[float, float]:
        if limits[0] > limits[1]:
            raise ValueError(f"the lower limit comes first: [{limits[1]}, {limits[0]}]")
        return limits
