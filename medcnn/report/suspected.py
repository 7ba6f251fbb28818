"""Labels that are probably wrong, with the pictures of the first."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from medcnn.core import tables
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack
from medcnn.report.pictures import thumbnail
from medcnn.results.base import read_if_made
from medcnn.results.suspects import SUSPECTS, Suspects
from medcnn.runtime import paths

SHOWN = 12
"""Labels that are shown with their pictures."""
NAMED = 100
"""Labels that are named at all."""
HOW = {
    "fold_ensemble": "every image, training images by the networks that were trained without them",
    "folds": "the images that cross-validation tests, and validation and test",
    "held_out": "validation and test alone; training images need run.fold_ensembles, or more folds in run.folds",
}
_SIDE = 112


@dataclass(frozen=True)
class Suspect:
    """A label on the list.

    Attributes:
        path: of the image in the archive.
        split: the part that it is in.
        label: the one that it has.
        suggested: the class that is more probable.
        chance: that its label is wrong.
        picture: a data URI; empty where it is not shown.
    """

    path: str
    split: str
    label: str
    suggested: str
    chance: float
    picture: str


@dataclass(frozen=True)
class Suspected:
    """How many labels are suspect, and the first of them."""

    counted: Suspects
    first: tuple[Suspect, ...]
    others: tuple[Suspect, ...]


def suspected(study: str) -> Suspected | None:
    """What ``suspects`` found, with pictures where pixels are there; None where it did not run."""
    counted, path = read_if_made(paths.metrics("suspects", study), Suspects), paths.suspects(study)
    if counted is None:
        return None
    rows = tables.read(path, SUSPECTS).iloc[:NAMED] if path.exists() else tables.collected((), SUSPECTS.columns)
    pictures = _pictures(study, rows["image_id"].tolist()[:SHOWN])
    columns = (rows[name].tolist() for name in ("path", "split", "label", "suggested", "chance"))
    shown = (pictures.get(number, "") for number in range(len(rows)))
    every = tuple(map(Suspect, *columns, shown))
    return Suspected(counted, every[:SHOWN], every[SHOWN:])


def _pictures(study: str, image_ids: list[str]) -> dict[int, str]:
    """Thumbnails by position; none where results are here without the images that they were made from."""
    with suppress(MedcnnError):
        pixels = pack.images(paths.prepared(study))
        places = tables.positions(image_ids, manifest.used(paths.manifest(study), "image_id")["image_id"])
        return {number: thumbnail(pixels[int(place)], _SIDE) for number, place in enumerate(places) if place >= 0}
    return {}
