"""What is known of a study's images: ``metrics/download/S.json`` and ``metrics/split/S.json``."""

from __future__ import annotations

from typing import Literal

from medcnn.dataset.doubts import Severity
from medcnn.params.splits import OnLeak
from medcnn.results.base import Record

Counts = dict[str, int]


class Planted(Record):
    """A fault that the built-in study was drawn with.

    Attributes:
        path: of the file.
        fault: what is wrong with it: a copy of another file, byte for byte, nearly, or changed so much that hashes miss
            it; a second copy under another class; filed under a wrong class alone; no image.
        how: which variant of the fault.
        of: the path of the file that it was made from; of a wrong class, the path that it should have.
    """

    path: str
    fault: Literal["exact", "near", "hidden", "mislabelled", "wrong_label", "unreadable"]
    how: str
    of: str


class Download(Record):
    """The raw data, one file; version and licence as far as the source states them.

    Attributes:
        planted: the known faults of the built-in study; none of others.
    """

    kind: str
    name: str
    bytes: int
    sha256: str
    version: str | None
    licence: str | None
    planted: tuple[Planted, ...] = ()

    @property
    def wrong_labels(self) -> list[str]:
        """The paths of images that were filed under a wrong class alone."""
        return [fault.path for fault in self.planted if fault.fault == "wrong_label"]


class Sizes(Record):
    """Widths and heights of the images used, in pixels, and how many different ones there are."""

    min_width: int
    max_width: int
    min_height: int
    max_height: int
    distinct: int


class Duplicates(Record):
    """Images with a duplicate, and the sets that they form; near duplicates include exact ones."""

    exact_groups: int
    exact_images: int
    near_groups: int
    near_images: int


class Transformed(Record):
    """Mirrored, cropped, re-windowed and compressed copies, where they were looked for.

    Attributes:
        images: how many have such a copy in another patient; other near duplicates are among them.
        threshold: the least correlation of a copy.
        recall: share of copies made of the set's own images that reach it, by what was done to them.
        false_alarms: the share of images that are expected to pass it by chance.
    """

    images: int
    threshold: float
    recall: dict[str, float]
    false_alarms: float


class Corrections(Record):
    """What ``labels.corrections`` changed: images with another label or dropped, moves as "old to new", and images of
    each class before and after, those that cannot be read included.
    """

    relabelled: int
    dropped: int
    moves: Counts
    before: Counts
    after: Counts


class Related(Record):
    """Held-out images of one class, and how many have a relative of each kind in an earlier part."""

    images: int
    exact_copy: int
    near_duplicate: int
    patient: int
    any: int


class Leak(Record):
    """Held-out images with a relative in an earlier part: of this split, and on average of plain random ones."""

    held_out_images: int
    random_split_images: float
    random_split_fraction: float
    this_split: int


class Doubt(Record):
    """See ``medcnn.dataset.doubts.Doubt``."""

    severity: Severity
    kind: str
    text: str
    count: int
    examples: list[str]


class Split(Record):
    """The images of a study and their parts.

    Attributes:
        set_aside: images that are not used, by reason.
        patients: how many; None where the study does not name them.
        without_patient: images used whose patient is unknown; unless it is 0, leaks between patients are unknown too.
        doubts: what a reader should know, the gravest first.
        before_repair: by held-out part and class, relatives in the split as it was published or drawn.
        fingerprint: sha256 of the used images and their labels.
    """

    images: int
    used: int
    set_aside: Counts
    classes: Counts
    groups: int
    patients: int | None
    without_patient: int
    sizes: Sizes
    modes: Counts
    duplicates: Duplicates
    transformed: Transformed | None = None
    corrections: Corrections | None = None
    splits: dict[str, Counts]
    on_leak: OnLeak
    before_repair: dict[str, dict[str, Related]]
    leak: Leak
    doubts: list[Doubt]
    fingerprint: str

    @property
    def warnings(self) -> list[Doubt]:
        """The doubts that belong wherever figures are shown."""
        return [doubt for doubt in self.doubts if doubt.severity != "note"]

    @property
    def leaked_before_repair(self) -> tuple[int, int]:
        """How many held-out images had a relative in an earlier part before the repair, and of how many."""
        counts = [related for by_class in self.before_repair.values() for related in by_class.values()]
        return sum(count.any for count in counts), sum(count.images for count in counts)
