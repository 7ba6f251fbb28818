"""Where things come from: a study's raw images, and pretrained weights."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from medcnn.params.base import Block, Positive, Sha256


class PhantomSource(Block):
    """The built-in procedural image set."""

    kind: Literal["phantom"]
    patients: Annotated[int, Field(ge=8)] = 100
    slices: Annotated[int, Field(ge=2)] = 6
    size: Annotated[int, Field(ge=32)] = 128
    seed: int = 7


class FolderSource(Block):
    """A folder on this machine, packed into one zip."""

    kind: Literal["folder"]
    path: str


class ArchiveSource(Block):
    """A zip or tar file on this machine, read in place."""

    kind: Literal["archive"]
    path: str
    sha256: Sha256 | None = None


class UrlSource(Block):
    """An archive behind an http(s) address; its sha256 is what makes it the same archive tomorrow."""

    kind: Literal["url"]
    url: Annotated[str, Field(pattern=r"^https?://")]
    sha256: Sha256


class KaggleSource(Block):
    """A Kaggle data set, by owner/slug and version; ``path`` is kept so that ``-S`` can switch to a local archive."""

    kind: Literal["kaggle"]
    dataset: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    version: Positive
    sha256: Sha256 | None = None


Source = Annotated[
    PhantomSource | FolderSource | ArchiveSource | UrlSource | KaggleSource,
    Field(discriminator="kind"),
]

_SOURCES: dict[str, type[Block]] = {
    "phantom": PhantomSource,
    "folder": FolderSource,
    "archive": ArchiveSource,
    "url": UrlSource,
    "kaggle": KaggleSource,
}


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


def public(url: str) -> str:
    """An address without user, password and query, which may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


Weights = Annotated[PackageWeights | KerasWeights | HuggingFaceWeights, Field(discriminator="kind")]


def without_switched(tree: Any) -> Any:
    """Drop the keys of other kinds from each ``source``, so that ``-S ...source.kind=archive`` alone switches it."""
    if not isinstance(tree, dict) or not isinstance(tree.get("studies"), dict):
        return tree
    studies = {}
    for name, study in tree["studies"].items():
        source = study.get("source") if isinstance(study, dict) else None
        if isinstance(source, dict) and source.get("kind") in _SOURCES:
            kept = {key: value for key, value in source.items() if key not in _foreign(source["kind"])}
            study = {**study, "source": kept}
        studies[name] = study
    return {**tree, "studies": studies}


def _foreign(kind: str) -> set[str]:
    fields = {field for block in _SOURCES.values() for field in block.model_fields}
    return fields - set(_SOURCES[kind].model_fields)
