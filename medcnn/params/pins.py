"""Where pretrained weights come from, and the hash that pins them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from medcnn.params.shared.base import Block, Sha256


class PackageWeights(Block):
    """Weights that an installed Python package carries."""

    kind: Literal["package"]
    package: str
    file: str
    sha256: Sha256
    licence: str


class KerasWeights(Block):
    """Weights of ``keras.applications``, fetched by Keras' own downloader.

    Keras publishes md5 for most of its files; where the sha256 is known it is what counts.
    """

    kind: Literal["keras"]
    url: Annotated[str, Field(pattern=r"^https?://")]
    sha256: Sha256 | None = None
    md5: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    licence: str

    @model_validator(mode="after")
    def _is_pinned(self) -> KerasWeights:
        if self.sha256 is None and self.md5 is None:
            raise ValueError("a file from the network needs its hash; set sha256, or md5")
        return self


class HuggingFaceWeights(Block):
    """A safetensors file on the Hugging Face hub; its sha256 is what makes it the same file at any revision."""

    kind: Literal["huggingface"]
    repo: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: str
    file: str
    sha256: Sha256
    licence: str


Weights = Annotated[PackageWeights | KerasWeights | HuggingFaceWeights, Field(discriminator="kind")]
