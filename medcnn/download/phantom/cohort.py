"""What the phantom holds and what was planted in it, known without drawing a pixel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from medcnn.core.seeding import derived
from medcnn.download.phantom.lesions import KINDS
from medcnn.params.sources import PhantomSource

HEALTHY = "healthy"
CLASSES = (HEALTHY, *KINDS)

COPIED = 0.025
"""Share of the images that come back as an exact copy, and again as a near copy, under another patient."""

Planted = Literal["exact", "near", "hidden", "mislabelled", "wrong_label", "unreadable"]
NEAR = ("noisier", "screenshot", "shifted", "jpeg")
HIDDEN = ("mirrored", "cropped", "rewindowed", "reencoded")
UNREADABLE = ("truncated", "empty", "text")


@dataclass(frozen=True)
class Patient:
    """A made-up patient; ``kind`` is a class, and ``visible`` are the slices, from 0, that show the lesion."""

    number: int
    kind: str
    visible: range

    def label(self, slice_index: int) -> str:
        """The class of a slice: one that does not show the lesion is filed under healthy."""
        return self.kind if slice_index in self.visible else HEALTHY


@dataclass(frozen=True)
class Member:
    """A file of the archive.

    Attributes:
        path: ``phantom/<label>/patient_<patient>/slice_<number>.png``, or ``.jpg``.
        patient: whose folder it lies in.
        label: the class it is filed under.
        slice_index: which slice of the patient it shows, from 0; -1 in a planted file.
        planted: what is wrong with it, or None for an honest slice.
        how: the variant, one of ``NEAR``, ``HIDDEN`` or ``UNREADABLE``; else empty.
        of: the path of the slice that a planted file was made from, or that it should be under; else empty.
    """

    path: str
    patient: int
    label: str
    slice_index: int = -1
    planted: Planted | None = None
    how: str = ""
    of: str = ""


def roster(source: PhantomSource) -> tuple[Patient, ...]:
    """Every patient: as many of each kind as makes the four classes about equally large."""
    rng = derived("phantom", source.seed, "roster")
    unseen = max(1, source.slices // 6) if source.slices > 2 else 0
    # Every second lesion patient has slices without the lesion, which count as healthy.
    ill = round(source.patients * 3 * source.slices / (4 * (source.slices - unseen / 2)))
    numbers = rng.permutation(source.patients) + 1
    patients = [Patient(int(number), HEALTHY, range(0)) for number in numbers[ill:]]
    for index, number in enumerate(numbers[:ill]):
        hidden = unseen if index // len(KINDS) % 2 else 0
        first = int(rng.integers(2)) * hidden
        visible = range(first, first + source.slices - hidden)
        patients.append(Patient(int(number), KINDS[index % len(KINDS)], visible))
    return tuple(sorted(patients, key=lambda patient: patient.number))


def plan(source: PhantomSource) -> tuple[Member, ...]:
    """Every member of the archive in the archive's order, with what is planted in it: the truth that tests check."""
    slices = honest(source)
    planting = _Planting(source, slices)
    few = max(1, round(COPIED * len(slices)))
    for _ in range(few):
        planting.copy_to_other_patient("exact")
    for turn in range(few):
        planting.copy_to_other_patient("near", NEAR[turn % len(NEAR)])
    for _ in range(min(3, max(1, len(slices) // 100))):
        planting.copy_to_other_class()
    for how in UNREADABLE:
        planting.break_one(how)
    for turn in range(round(source.hidden_copies * len(slices))):
        planting.copy_to_other_patient("hidden", HIDDEN[turn % len(HIDDEN)])
    for _ in range(round(source.wrong_labels * len(slices))):
        planting.move_to_other_class()
    kept = [member for member in slices if member.path not in planting.moved]
    return tuple(sorted([*kept, *planting.members], key=lambda member: member.path))


def honest(source: PhantomSource) -> list[Member]:
    """Every slice under the class that it shows, before anything is planted."""
    return [
        Member(_path(label, patient.number, index + 1), patient.number, label, index)
        for patient in roster(source)
        for index in range(source.slices)
        for label in [patient.label(index)]
    ]


def _path(label: str, patient: int, number: int, suffix: str = "png") -> str:
    return f"phantom/{label}/patient_{patient:03d}/slice_{number:02d}.{suffix}"


class _Planting:
    """Files planted among honest slices; each is made from another slice, and links between patients are spread out."""

    def __init__(self, source: PhantomSource, slices: Sequence[Member]) -> None:
        self.members: list[Member] = []
        self.moved: set[str] = set()
        self._rng = derived("phantom", source.seed, "planted")
        self._unused = [slices[index] for index in self._rng.permutation(len(slices))]
        self._folders = sorted({(member.label, member.patient) for member in slices})
        self._links: Counter[int] = Counter()
        self._last: Counter[int] = Counter({member.patient: source.slices for member in slices})

    def copy_to_other_patient(self, planted: Planted, how: str = "") -> None:
        """File a slice under another patient of the same class."""
        holders = Counter(label for label, _ in self._folders)
        candidates = [member for member in self._unused if holders[member.label] > 1]
        original = min(candidates, key=lambda member: self._links[member.patient])
        others = [patient for label, patient in self._folders if label == original.label]
        others.remove(original.patient)
        self._rng.shuffle(others)
        patient = min(others, key=self._links.__getitem__)
        self._links.update((original.patient, patient))
        self._add(original, patient, planted, how)

    def copy_to_other_class(self) -> None:
        """File a slice a second time, as the same slice of the same patient in another class."""
        self._under_other_class("mislabelled")

    def move_to_other_class(self) -> None:
        """File a slice under another class alone."""
        self.moved.add(self._under_other_class("wrong_label"))

    def _under_other_class(self, planted: Planted) -> str:
        """File a slice under another class; returns where it comes from."""
        original = self._unused.pop(0)
        labels = sorted({label for label, _ in self._folders} - {original.label})
        label = labels[self._rng.integers(len(labels))]
        path = original.path.replace(f"/{original.label}/", f"/{label}/")
        self.members.append(Member(path, original.patient, label, planted=planted, of=original.path))
        return original.path

    def break_one(self, how: str) -> None:
        """Put an unreadable file beside a slice of the same patient."""
        original = self._unused[0]
        self._add(original, original.patient, "unreadable", how)

    def _add(self, original: Member, patient: int, planted: Planted, how: str) -> None:
        self._unused.remove(original)
        self._last[patient] += 1
        path = _path(original.label, patient, self._last[patient], "jpg" if how == "jpeg" else "png")
        self.members.append(Member(path, patient, original.label, planted=planted, how=how, of=original.path))
