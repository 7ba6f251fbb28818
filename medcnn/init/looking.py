"""One look at all images of a study: the same survey as the stage ``split`` makes, and what it means for a result."""

from __future__ import annotations

import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

import pandas as pd
from tqdm import tqdm

from medcnn.core.errors import MedcnnError
from medcnn.dataset.manifest import SPLITS, USED
from medcnn.measures import sample_size
from medcnn.measures.statistics import intervals
from medcnn.reading.archive import Archive
from medcnn.results.data import Split
from medcnn.split import surveying
from medcnn.split.fingerprint import fingerprint
from medcnn.split.settings import Study

_FORMATS = {
    "jpg": "JPEG",
    "jfif": "JPEG",
    "tif": "TIFF",
    "dcm": "DICOM",
    "nii": "NIfTI",
    "npy": "NumPy",
    "": "no suffix",
}
_ACCURACY = 0.9
_CONFIDENCE = 0.95
_SIDES = (224, 192, 160, 128, 96, 64, 32)
_PIXELS = 250_000_000
"""Of all images together, as many as networks go through on two cores in a coffee break."""
_LEAST_SIDE = 96
"""To which images are shrunk because they are many; those that are smaller themselves are."""


@dataclass(frozen=True)
class Look:
    """What was seen of a study.

    Attributes:
        study: how its images were labelled and dealt in the end.
        facts: what ``metrics/split/S.json`` says.
        formats: how many image files there are of each format, by their suffix.
        units: in each part, how many patients; images or sets of duplicates where none is known.
        median: width and height in pixels.
        reach: half the width of the interval of an accuracy of 0.90 on test, with its groups as units; Wilson's.
        seconds: that the look took.
        fault: why the split that was asked for first could not be made; empty where it could.
    """

    study: Study
    facts: Split
    formats: dict[str, int]
    units: dict[str, int]
    median: tuple[int, int]
    reach: float
    seconds: float
    fault: str

    @property
    def needed(self) -> int:
        """How many patients a test needs that knows an accuracy of 0.90 to 5 points either way."""
        return math.ceil(sample_size.for_share(_ACCURACY, sample_size.HALF_WIDTH, _CONFIDENCE))

    @property
    def side(self) -> int:
        """A side for the images that networks see: see ``fitting_side``."""
        return fitting_side(min(self.median), self.facts.used)


def fitting_side(shorter: int, images: int) -> int:
    """A side for the images that networks see: no larger than they are, and smaller where they are many.

    Args:
        shorter: the median of their shorter sides, in pixels.
        images: how many there are.
    """
    fitting = [side for side in _SIDES if side <= shorter] or [_SIDES[-1]]
    return next((side for side in fitting if images * side**2 <= _PIXELS or side <= _LEAST_SIDE), fitting[-1])


def looked(archive: Archive, studies: Sequence[Study], seed: int, where: str) -> Look:
    """Look at every image once, and deal the images as the first of several studies does whose split can be made.

    Args:
        archive: the images.
        studies: one, or several that differ in ``split`` alone.
        seed: decides the split.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: nothing to read, or no split can be made.
    """
    start = time.monotonic()
    shown = partial(tqdm, desc=where, unit=" files", leave=False, disable=not sys.stderr.isatty())
    looks = surveying.looked_at(archive, studies[0], where, shown)
    study, survey, fault = _dealt(looks, studies, seed, where)
    facts = Split.model_validate(fingerprint(survey, study.split.on_leak, seed))
    used = survey.rows[survey.rows["status"] == USED]
    groups = {part: used["group"][used["split"] == part].nunique() for part in SPLITS}
    bounds = intervals.wilson(_ACCURACY, max(groups["test"], 1), _CONFIDENCE)
    return Look(
        study,
        facts,
        _formats(survey.rows["path"]),
        groups,
        (int(used["width"].median()), int(used["height"].median())),
        (bounds.high - bounds.low) / 2,
        time.monotonic() - start,
        fault,
    )


def _dealt(
    looks: surveying.Looks, studies: Sequence[Study], seed: int, where: str
) -> tuple[Study, surveying.Survey, str]:
    """The first study whose split can be made, with it, and why that of the first study cannot."""
    study, *others = studies
    try:
        return study, surveying.dealt(looks, study, seed, where), ""
    except MedcnnError as fault:
        if not others:
            raise
        first = str(fault)
    try:
        found, survey, _ = _dealt(looks, others, seed, where)
    except MedcnnError:
        raise MedcnnError(first) from None
    return found, survey, first


def _formats(names: pd.Series[str]) -> dict[str, int]:
    files = {name.partition("#")[0] for name in names}
    suffixes = (PurePosixPath(file.lower().removesuffix(".gz")).suffix[1:] for file in files)
    counts = Counter(_FORMATS.get(suffix, suffix.upper()) for suffix in suffixes)
    return dict(sorted(counts.items(), key=lambda found: (-found[1], found[0])))
