"""What the folders and file names of an image set say: parts, classes, masks, and copies of whole folders."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from medcnn.dataset.manifest import SPLITS
from medcnn.init import patients, words
from medcnn.reading.names import matches
from medcnn.split import companions

_MOST_CLASSES = 30
_COVERED = 0.8
"""The share of images that a level of folders must hold to name the classes."""
_MOST_NUMBERED = 10
_LEAST_SHARE = 0.01
_VIEWS = {
    "left", "right", "l", "r", "cc", "mlo", "ap", "pa", "lat", "lateral", "axial", "sagittal", "coronal", "t1", "t2",
    "flair", "img", "image", "copy", "small", "large",
}  # fmt: skip
"""What file names say that is no class."""
_WILD = re.compile(r"[\[*?]")
_LAST_TOKEN = re.compile(r"[ _.-]([^ _.-]+)$")
_FIRST_WORD = re.compile(r"^([^\W\d_]+(?:[ _-][^\W\d_]+)*)[ _.(-]*\d")


@dataclass(frozen=True)
class Classes:
    """Patterns and the classes that they stand for, and where they were found, in words."""

    patterns: dict[str, str]
    origin: str
    folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Parts:
    """The author's parts: a pattern of paths by part, and which part each image is in ('' for none).

    Where a label table says the parts, patterns are what it calls them, and ``source`` is where it does.
    """

    patterns: dict[str, str]
    of: dict[str, str] = field(default_factory=dict)
    source: str = ""


def copied_folders(images: Sequence[str], size: Callable[[str], int]) -> dict[str, int]:
    """Folders whose images all lie one folder higher too, under the same names and with the same sizes in bytes.

    Args:
        images: paths of images.
        size: the size of an image file.

    Returns:
        A pattern for each of them, and how many images it holds.
    """
    known = set(images)
    inside: defaultdict[str, list[str]] = defaultdict(list)
    for name in images:
        folders = name.split("/")[:-1]
        for depth in range(1, len(folders) + 1):
            inside["/".join(folders[:depth])].append(name)
    copies: dict[str, int] = {}
    for folder, names in inside.items():
        above = folder.rpartition("/")[0]
        twins = [f"{above}/{name[len(folder) + 1 :]}".lstrip("/") for name in names]
        within_another = any(folder.startswith(other[:-1]) for other in copies)
        if not within_another and all(
            twin in known and size(twin) == size(name) for twin, name in zip(twins, names, strict=True)
        ):
            copies[f"{folder}/*"] = len(names)
    return copies


def masks(images: Sequence[str]) -> dict[str, int]:
    """Masks and other pictures that belong to an image of nearly the same name, by pattern, with their number."""
    belonging = companions.found(images, np.zeros(len(images), bool))
    of = [images[place] for place in belonging]
    patterns = companions.excluding(images, belonging)
    return {pattern: sum(matches(name, pattern) for name in of) for pattern in patterns}


def parts(images: Sequence[str]) -> Parts | None:
    """The author's parts, where folders name a training part and at least a test or validation part."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    of: dict[str, str] = {}
    for name in images:
        folders = name.split("/")[:-1]
        place = next((depth for depth, folder in enumerate(folders) if words.part(folder)), None)
        part = words.part(folders[place]) if place is not None else None
        of[name] = part or ""
        if place is not None and part:
            found[part].add("/".join(folders[: place + 1]))
    if not {"train", "test"} <= found.keys() and not {"train", "validation"} <= found.keys():
        return None
    patterns = {part: _pattern(found[part]) for part in SPLITS if part in found}
    right = all((of[name] == part) == matches(name, pattern) for part, pattern in patterns.items() for name in images)
    return Parts(patterns, of) if right else None


def classes_of_folders(images: Sequence[str], parts: Mapping[str, str]) -> Classes | None:
    """The level of folders that names the classes; None where none does.

    Args:
        images: paths of images.
        parts: the author's part of each image.
    """
    paths = _folders(images, parts)
    levels = []
    for depth in range(max(map(len, paths), default=0)):
        names = Counter(path[depth] for path in paths if len(path) > depth)
        if sum(names.values()) >= _COVERED * len(images) and _may_be_classes(names, len(images)):
            levels.append((not any(map(words.speaks_of_a_class, names)), depth, names))
    if not levels:
        return None
    _, depth, names = min(levels, key=lambda level: level[:2])
    of_part: defaultdict[str, set[str]] = defaultdict(set)
    for name, path in zip(images, paths, strict=True):
        if len(path) > depth:
            of_part[path[depth]].add(parts.get(name, ""))
    labels = _joined(names, of_part)
    if len(set(labels.values())) < 2:
        return None
    return Classes({literal(name): labels[name] for name in sorted(labels)}, "from the folders", tuple(sorted(names)))


def classes_ending_folders(images: Sequence[str], parts: Mapping[str, str]) -> Classes | None:
    """Classes as the last word of folders that say something else too, as in ``study1_positive``; None for none."""
    paths = _folders(images, parts)
    for depth in range(max(map(len, paths), default=0)):
        folders = [path[depth] for path in paths if len(path) > depth]
        ends = [_LAST_TOKEN.search(folder) for folder in folders]
        last = [end[1] if end else "" for end in ends]
        if len(folders) >= _COVERED * len(images) and _few_and_even(last) and any(map(words.speaks_of_a_class, last)):
            patterns = {f"*{literal(end[0])}": words.identifier(end[1]) for end in ends if end}
            return Classes(dict(sorted(patterns.items())), "from the last word of folders", tuple(sorted(set(folders))))
    return None


def classes_of_files(images: Sequence[str]) -> Classes | None:
    """Classes in the names of files: a last word or number such as ``_0``, or the word that a name begins with."""
    stems = [_stem(name) for name in images]
    ends = [_LAST_TOKEN.search(stem) for stem in stems]
    last = [end[0] if end else "" for end in ends]
    # Numbers that count the images of a patient are no classes: what stands before them repeats.
    before = {stem[: end.start()] for stem, end in zip(stems, ends, strict=True) if end}
    counting = all(end and end[1].isdecimal() for end in ends) and len(before) < len(stems)
    if not counting and _few_and_even([end[1] if end else "" for end in ends]):
        return Classes(
            {f"*{literal(end)}.*": words.identifier(end) for end in sorted(set(last))}, "from the file names"
        )
    first = [match[1] if (match := _FIRST_WORD.search(stem)) else "" for stem in stems]
    if not _few_and_even(first):
        return None
    patterns = {f"{literal(word)}[!A-Za-z]*": words.identifier(word) for word in sorted(set(first))}
    return Classes(patterns, "from the file names")


def literal(name: str) -> str:
    """A shell pattern that matches this name alone."""
    return _WILD.sub(lambda found: f"[{found[0]}]", name)


def _folders(images: Sequence[str], parts: Mapping[str, str]) -> list[list[str]]:
    """The folders of each path but that of the author's part."""
    return [
        [folder for folder in name.split("/")[:-1] if not (parts.get(name) and words.part(folder))] for name in images
    ]


def _stem(name: str) -> str:
    return name.rpartition("/")[2].partition(".nii")[0].rsplit(".", 1)[0]


def _pattern(folders: Collection[str]) -> str:
    """A pattern of the paths below some folders: their path, or the name or the word that they have in common."""
    if len(folders) == 1:
        return f"{literal(next(iter(folders)))}/*"
    names = {folder.rpartition("/")[2] for folder in folders}
    if len(names) == 1:
        name = literal(next(iter(names)))
        return f"*/{name}/*" if all("/" in folder for folder in folders) else f"*{name}/*"
    shortest = min((token for name in names for token in words.tokens(name) if words.part(token)), key=len)
    return f"*{''.join(f'[{letter.upper()}{letter}]' for letter in shortest)}*/*"


def _may_be_classes(names: Counter[str], images: int) -> bool:
    """Whether folders of one level may be classes: a few, none named like a patient, with more than an image each."""
    shapes = {re.sub(r"\d+", "0", name) for name in names}
    numbered = len(shapes) == 1 and len(names) > _MOST_NUMBERED
    of_patients = any(patients.WORD.search(name) for name in names)
    of_parts = all(map(words.part, names))
    return 2 <= len(names) <= _MOST_CLASSES and 2 * len(names) <= images and not (numbered or of_patients or of_parts)


def _joined(names: Iterable[str], parts_of: Mapping[str, set[str]]) -> dict[str, str]:
    """The class of each folder: its name, or the beginning of it that another part has as a folder of its own."""
    labels = {name: words.identifier(name) for name in names}
    for name in labels:
        for other in labels:
            longer = name.startswith(other) and name[len(other) : len(other) + 1] in (" ", "_", "-", ".")
            if longer and not parts_of[name] & parts_of[other]:
                labels[name] = labels[other]
    return labels


def _few_and_even(tokens: Sequence[str]) -> bool:
    """Whether the words or numbers of all file names may be classes."""
    counts = Counter(tokens)
    named = "" not in counts and not any(token.lower() in _VIEWS or words.part(token) for token in counts)
    return named and 2 <= len(counts) <= _MOST_NUMBERED and min(counts.values()) >= max(2, _LEAST_SHARE * len(tokens))
