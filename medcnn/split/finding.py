"""Which files of the raw data are worth opening, and what is passed over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from posixpath import dirname, splitext

from medcnn.core.errors import MedcnnError
from medcnn.dataset.doubts import SHOWN, Doubt
from medcnn.params.labels import Labels
from medcnn.reading.archive import Archive, UnreadableMemberError
from medcnn.reading.names import is_of_system, matches
from medcnn.reading.pictures import START, may_hold_pictures

_PACKED = {".001", ".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".z01", ".zip", ".zst"}


@dataclass(frozen=True)
class Found:
    """The files that may hold pictures, in the order of their names, and what is doubtful about the others."""

    names: list[str]
    doubts: tuple[Doubt, ...]


def found(archive: Archive, labels: Labels, where: str) -> Found:
    """Look through the names of an archive; a file of an unknown suffix is known by its first bytes.

    Args:
        archive: the raw data.
        labels: which files the study excludes, and which are its tables of labels.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: no file may hold a picture.
    """
    names = archive.names()
    kept, inner, passed, system = list[str](), list[str](), list[str](), list[str]()
    known = (*labels.exclude, *filter(None, [labels.csv.file]))
    for name in names:
        if is_of_system(name):
            system.append(name)
        elif any(matches(name, pattern) for pattern in known):
            continue
        elif _may_be_taken(archive, name):
            kept.append(name)
        else:
            (inner if splitext(name)[1].lower() in _PACKED else passed).append(name)
    doubts = (*_left_out(archive), *_packed(inner), *_passed_over(passed, kept), *_of_system(system))
    if not kept:
        reasons = "".join(f"; {doubt.text}" for doubt in doubts)
        raise MedcnnError(
            f"{where}: no images among the {len(names)} files of the raw data{reasons}; fix {where}.labels.exclude or "
            f"{where}.source"
        )
    return Found(kept, doubts)


def _may_be_taken(archive: Archive, name: str) -> bool:
    if may_hold_pictures(name):
        return True
    try:
        return may_hold_pictures(name, archive.start(name, START))
    except UnreadableMemberError:
        return False


def _left_out(archive: Archive) -> Iterator[Doubt]:
    for kind, count in sorted(archive.left_out.items()):
        yield Doubt("warning", "entries_left_out", f"of the archive {count} {kind} are left out", count)


def _packed(inner: Sequence[str]) -> Iterator[Doubt]:
    if inner:
        more = f" and {len(inner) - SHOWN} more" if len(inner) > SHOWN else ""
        text = f"archives inside of the raw data are not opened: {', '.join(inner[:SHOWN])}{more}; unpack them first"
        yield Doubt("warning", "archives_inside", text, len(inner), tuple(inner[:SHOWN]))


def _passed_over(passed: Sequence[str], kept: Sequence[str]) -> Iterator[Doubt]:
    """What is not an image, by suffix; a warning where a folder has more of it than of images."""
    if not passed:
        return
    kinds = Counter(splitext(name)[1].lower() or "without a suffix" for name in passed).most_common()
    some = ", ".join(f"{kind} {count}" for kind, count in kinds[:SHOWN])
    text = f"{len(passed)} files are no images and were passed over: {some}"
    folders = _mostly_passed_over(passed, kept)
    if folders:
        text += f"; more than there are images in {', '.join(folders[:SHOWN])}: check what they are"
    yield Doubt("warning" if folders else "note", "files_passed_over", text, len(passed), tuple(passed[:SHOWN]))


def _mostly_passed_over(passed: Sequence[str], kept: Sequence[str]) -> list[str]:
    """Folders of images in which most files are none, a file beside each image such as its description apart."""
    lost = Counter(map(dirname, passed))
    used = Counter(folder for folder in map(dirname, kept) if folder in lost)
    beside = {splitext(name)[0] for name in kept if dirname(name) in lost}
    described = Counter(dirname(name) for name in passed if splitext(name)[0] in beside)
    return [folder for folder, count in lost.items() if 0 < used[folder] < count - described[folder]]


def _of_system(system: Sequence[str]) -> Iterator[Doubt]:
    if system:
        text = f"{len(system)} hidden files and files of operating systems are left out"
        yield Doubt("note", "system_files", text, len(system), tuple(system[:SHOWN]))
