"""Encoders of the user's own: ONNX files that turn images into features, and how each is used."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from medcnn.params.shared.base import Block, Positive, Sha256

Share = Annotated[float, Field(ge=0, le=1)]
Channels = tuple[Share, Share, Share]
_MEAN: Channels = (0.485, 0.456, 0.406)
_DEVIATION: Channels = (0.229, 0.224, 0.225)


class Encoder(Block):
    """An ONNX file from images to features, for models with `backbone: onnx` and this encoder's name as `weights`."""

    file: str
    """Path of the file: one image input of any layout, whole in one file, operators of the ONNX standard alone."""
    sha256: Sha256 | None = None
    """What the file must have; empty for any."""
    input_size: Positive | None = None
    """Side of the images that it takes, in pixels; empty for what the file says."""
    mean: Channels = _MEAN
    """What is taken from pixels of 0..1, by channel; the default is that of ImageNet, which DINOv2 uses too."""
    deviation: Channels = _DEVIATION
    """What they are divided by then."""
    output: str | None = None
    """Which of its outputs holds the features; empty for its only one."""
    tokens: Literal["first", "all"] = "first"
    """Of an output of tokens, (batch, tokens, features): the first, which sums up the image, or all of them, pooled."""

    @model_validator(mode="after")
    def _deviates(self) -> Encoder:
        if 0 in self.deviation:
            raise ValueError("deviation: pixels are divided by it; set numbers above 0")
        return self
