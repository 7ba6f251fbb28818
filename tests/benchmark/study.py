"""What benchmarks need of a study beside its prepared pixels: the images as published."""

from __future__ import annotations

from pathlib import Path

from medcnn.dataset import manifest
from medcnn.runtime import paths
from tests.conftest import encoded, picture, zipped


def raw_images(folder: Path, study: str) -> Path:
    """Write the archive of a prepared study, with pictures that are larger than the prepared ones; returns it."""
    path = folder / paths.raw(study) / f"{study}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = manifest.used(folder / paths.manifest(study))
    return zipped(path, {name: encoded(picture(number)) for number, name in enumerate(rows["path"])})
