"""Where a study's raw images come from."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field

from medcnn.params.shared.base import Block, Positive, Sha256, own_keys


class PhantomSource(Block):
    """The built-in procedural image set."""

    kind: Literal["phantom"]
    """The built-in procedural image set."""
    patients: Annotated[int, Field(ge=8)] = 100
    """Number of patients."""
    slices: Annotated[int, Field(ge=2)] = 6
    """Images per patient."""
    image_size: Annotated[int, Field(ge=32)] = 128
    """Side of the images, in pixels."""
    seed: int = 7
    """Seed of everything drawn."""
    wrong_labels: Annotated[float, Field(ge=0, le=0.2)] = 0.0
    """Share of the images that are filed under a wrong class, to see which of them are found."""
    hidden_copies: Annotated[float, Field(ge=0, le=0.1)] = 0.0
    """Share of the images of which a mirrored, cropped, re-windowed or strongly compressed copy is filed under another
    patient, to see which of them are found."""


class FolderSource(Block):
    """A folder on this machine, packed into one zip."""

    kind: Literal["folder"]
    """A folder on this machine, packed into one zip."""
    path: str
    """Path of the folder."""


class ArchiveSource(Block):
    """A zip or tar file on this machine, read in place."""

    kind: Literal["archive"]
    """A zip or tar file on this machine, read in place."""
    path: str
    """Path of the file."""
    sha256: Sha256 | None = None
    """Hash that the file must have."""


class UrlSource(Block):
    """An archive behind an http(s) address; its sha256 is what makes it the same archive tomorrow."""

    kind: Literal["url"]
    """An archive behind an http(s) address."""
    url: Annotated[str, Field(pattern=r"^https?://")]
    """Address of the archive."""
    sha256: Sha256
    """Hash that the archive must have: what makes it the same tomorrow."""


class KaggleSource(Block):
    """A Kaggle data set."""

    kind: Literal["kaggle"]
    """A Kaggle data set."""
    dataset: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    """Owner and slug, ``owner/slug``."""
    version: Positive
    """Version of the data set."""
    sha256: Sha256 | None = None
    """Hash that the archive must have."""


SOURCES = (PhantomSource, FolderSource, ArchiveSource, UrlSource, KaggleSource)
Source = Annotated[
    PhantomSource | FolderSource | ArchiveSource | UrlSource | KaggleSource,
    Field(discriminator="kind"),
    BeforeValidator(own_keys(*SOURCES)),
]


def public(url: str) -> str:
    """An address without user, password and query, which may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
