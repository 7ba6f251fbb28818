"""The phantom: a procedural set of CT-like chest slices of made-up patients, with known faults planted in it.

It is synthetic and says nothing about medicine. Four classes: healthy, and three kinds of lesion (``lesions``).

Drawn here, as no public set does for a first run and for tests: it needs no account and no network, takes seconds to
make and minutes to learn, and what is wrong in it is known, so that it can be seen whether the pipeline finds it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from medcnn.core.seeding import derived
from medcnn.core.zips import write_zip
from medcnn.download.phantom import anatomy, encoding, lesions, scanner
from medcnn.download.phantom.brushes import pixel_grid
from medcnn.download.phantom.cohort import CLASSES, HEALTHY, Member, Patient, honest, plan, roster
from medcnn.params.sources import PhantomSource

__all__ = ["CLASSES", "Member", "faults", "generate", "plan"]


def generate(source: PhantomSource, archive: Path) -> None:
    """Write the image set to the zip file ``archive``: the same bytes for the same ``source``, whole or not at all."""
    patients = roster(source)
    with ThreadPoolExecutor() as pool:
        stacks = pool.map(lambda patient: _pictures(source, patient), patients)
        pictures = {patient.number: stack for patient, stack in zip(patients, stacks, strict=True)}
    members = plan(source)
    slices = {member.path: pictures[member.patient][member.slice_index] for member in honest(source)}
    write_zip(
        archive, ((member.path, _encoded(source, member, slices[member.of or member.path])) for member in members)
    )


def faults(source: PhantomSource) -> tuple[dict[str, str], ...]:
    """What is planted in the archive, in its order, so that it can be compared with what is found."""
    return tuple(
        {"path": member.path, "fault": member.planted, "how": member.how, "of": member.of}
        for member in plan(source)
        if member.planted is not None
    )


def _pictures(source: PhantomSource, patient: Patient) -> scanner.Pixels:
    """Every slice of a patient; shape (slices, size, size)."""
    grid = pixel_grid(source.image_size)
    identity = ("phantom", source.seed, patient.number)
    rng = derived(*identity, "anatomy")
    chest = anatomy.random_chest(rng, source.slices)
    image, lung = anatomy.draw(chest, rng, grid)
    if patient.kind != HEALTHY:
        shown = slice(patient.visible.start, patient.visible.stop)
        rng = derived(*identity, "lesion")
        place = lesions.random_place(rng, chest, patient.visible)
        lung[: shown.start] = lung[shown.stop :] = 0.0
        lesions.draw(image, lung, patient.kind, place, rng, grid)
    return scanner.scan(image, derived(*identity, "scanner"))


def _encoded(source: PhantomSource, member: Member, pixels: scanner.Pixels) -> bytes:
    """The bytes of a member, given the slice that it shows or was made from."""
    match member.how:
        case "noisier":
            pixels = scanner.noisier(pixels, derived("phantom", source.seed, member.path))
        case name if name in scanner.CHANGES:
            pixels = scanner.CHANGES[name](pixels)
        case "reencoded":
            return encoding.jpeg(scanner.halved(pixels), quality=30)
        case "jpeg":
            return encoding.jpeg(pixels)
        case "truncated":
            whole = encoding.png(pixels)
            return whole[: len(whole) // 2]
        case "empty":
            return b""
        case "text":
            return b"This is not an image.\n"
    return encoding.png(pixels)
