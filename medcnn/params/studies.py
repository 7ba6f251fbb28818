"""Studies: image sets, in blocks that mirror the stages."""

from __future__ import annotations

from medcnn.params.labels import Labels
from medcnn.params.shared.base import Block
from medcnn.params.shared.images import Images
from medcnn.params.sources import Source
from medcnn.params.splits import Split, StratifiedSplit


class Study(Block):
    """One image set: where it comes from, what its classes are, how it is split and resized."""

    title: str
    """What the images show, in a few words."""
    source: Source
    """Where the raw images come from: what ``download`` reads."""
    labels: Labels
    """Classes, patients and subgroups: what ``split`` reads."""
    split: Split = StratifiedSplit()
    """How images are dealt to the parts: what ``split`` reads."""
    images: Images = Images()
    """What ``prepare`` makes of them."""
