"""Masks and other pictures that belong to an image of the set: they are no images of their own, and give it away.

They are known by a word in their names (``a_mask.png`` beside ``a.png``, ``masks/a.png`` beside ``images/a.png``), or
by names that match and pixels of a few tones, as those of a segmentation are.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from glob import escape
from posixpath import basename, dirname

from medcnn.core.arrays import Truths
from medcnn.dataset.doubts import SHOWN, Doubt
from medcnn.reading.names import matches

Companions = dict[int, int]
"""The position of each companion, and that of the image that it belongs to."""
_WORD = re.compile(
    r"(?<![a-z])(?:masks?|segs?|segmentations?|labels?|labelmaps?|gt|ground[ _-]?truths?|annotations?|annots?|anno"
    r"|contours?|outlines?)(?![a-z])",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"(?<![a-z])(?:images?|imgs?|pictures?|scans?|photos?|inputs?)(?![a-z])", re.IGNORECASE)
_TOKEN = re.compile(r"[a-z]+|\d+")
_MOST = 0.8
"""The share of pictures under one word or in one folder that must look like masks where no name says so."""


def found(paths: Sequence[str], few_tones: Truths) -> Companions:
    """The pictures that belong to others.

    Args:
        paths: of all files.
        few_tones: (N,) whether the pixels of each are of a few tones.
    """
    by_name = _by_name(paths)
    others = [place for place in range(len(paths)) if place not in by_name]
    return by_name | _by_pixels(paths, others, few_tones)


def doubted(paths: Sequence[str], companions: Companions) -> Iterator[Doubt]:
    """A warning with the patterns that would leave the companions out."""
    if companions:
        names = [f"{paths[one]} (of {paths[image]})" for one, image in companions.items()]
        patterns = ", ".join(f"'{pattern}'" for pattern in excluding(paths, companions))
        text = (
            f"{len(companions)} of {len(paths)} files look like masks of other images, such as {names[0]}; they stay "
            f"on the side of their images, but if they are masks, leave them out: labels.exclude: [{patterns}]"
        )
        yield Doubt("warning", "masks_beside_images", text, len(companions), tuple(names[:SHOWN]))


def excluding(paths: Sequence[str], companions: Companions) -> list[str]:
    """A few patterns that match companions and no other file, and the paths of companions that none of them matches."""
    wanted = {paths[one] for one in companions}
    kept = [path for place, path in enumerate(paths) if place not in companions]
    covered = defaultdict[str, set[str]](set)
    for path in wanted:
        for pattern in _patterns(path):
            covered[pattern].add(path)
    chosen = list[str]()
    for pattern in sorted(covered, key=lambda pattern: (-len(covered[pattern]), not _WORD.search(pattern), pattern)):
        if covered[pattern] & wanted and not any(matches(path, pattern) for path in kept):
            chosen.append(pattern)
            wanted -= covered[pattern]
    return [*chosen, *sorted(map(escape, wanted))]


def _patterns(path: str) -> Iterator[str]:
    """Patterns that match a path: by a word of its name, by a folder, by the end of its name."""
    name, folders = basename(path), dirname(path).split("/") if dirname(path) else []
    stem, suffix = _cut(name)
    for word in _WORD.finditer(stem):
        before, after = stem[: word.start()], stem[word.end() :]
        if before:
            yield f"*{escape(before[-1] + word[0])}*"
        else:
            joint = "" if after[:1].isalnum() else after[:1]
            yield f"{'*/' if folders else ''}{escape(word[0] + joint)}*"
    for depth, folder in enumerate(folders):
        yield f"{'*/' if depth else ''}{escape(folder)}/*"
    if folders:
        yield f"{escape('/'.join(folders))}/*"
    ending = re.search(r"[^a-z0-9][a-z]+$", stem, re.IGNORECASE)
    if ending:
        yield f"*{escape(ending[0] + suffix)}"


def _by_name(paths: Sequence[str]) -> Companions:
    """Pictures with a word for masks in their name or their folder, and the image whose name is left without it."""
    start = len(_shared_folder(paths))
    worded = {place for place, path in enumerate(paths) if _WORD.search(_cut(path[start:])[0])}
    images = [place for place in range(len(paths)) if place not in worded] if worded else []
    whole = {_key(paths[place][start:]): place for place in reversed(images)}
    stems = _unique(images, (_stem_key(paths[place]) for place in images))
    links = Companions()
    for place in sorted(worded):
        folder, stem = dirname(paths[place][start:]), _cut(basename(paths[place]))[0]
        word = _WORD.search(stem)
        names = (stem, stem[: word.start()], stem[word.end() :]) if word else (stem,)
        keys = ((_tokens(folder), _tokens(name)) for name in names if _tokens(name))
        images_of = (whole.get(key, stems.get(key[1], -1)) for key in keys)
        image = next((image for image in images_of if image >= 0), -1)
        if image >= 0:
            links[place] = image
    return links


def _by_pixels(paths: Sequence[str], places: Sequence[int], few_tones: Truths) -> Companions:
    """Pictures of a few tones whose names begin with, or equal, those of images elsewhere that have many tones."""
    images = [place for place in places if not few_tones[place]]
    if len(images) == len(places):
        return {}
    stems = _unique(images, (_cut(basename(paths[place]))[0] for place in images))
    kinds = defaultdict[str, Companions](Companions)
    for place in places:
        if few_tones[place]:
            stem = _cut(basename(paths[place]))[0]
            begin = next((stem[:end] for end in _ends(stem) if stem[:end] in stems), "")
            if begin:
                kinds[stem[len(begin) :] or dirname(paths[place])][place] = stems[begin]
    return _mostly_masks(paths, places, kinds)


def _mostly_masks(paths: Sequence[str], places: Sequence[int], kinds: dict[str, Companions]) -> Companions:
    """Of the endings and folders found, those of which most pictures have few tones and belong to an image."""
    folders = Counter(dirname(paths[place]) for place in places)
    stems = [_cut(basename(paths[place]))[0] for place in places]
    links = Companions()
    for kind, members in kinds.items():
        total = folders[kind] or sum(stem.endswith(kind) for stem in stems)
        if len(members) > 1 and len(members) >= _MOST * total:
            links |= members
    return links


def _ends(stem: str) -> Iterator[int]:
    """Where a name may end and a word about it begin, the whole name first."""
    yield len(stem)
    yield from (found.start() for found in re.finditer(r"[^A-Za-z0-9]+(?=[A-Za-z])", stem) if found.start())


def _unique(places: Iterable[int], keys: Iterable[object]) -> dict[object, int]:
    """The place of each key that only one has."""
    keys, places = list(keys), list(places)
    counts = Counter(keys)
    return {key: place for key, place in zip(keys, places, strict=True) if counts[key] == 1}


def _key(path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return _tokens(dirname(path)), _stem_key(path)


def _stem_key(path: str) -> tuple[str, ...]:
    return _tokens(_cut(basename(path))[0])


def _tokens(text: str) -> tuple[str, ...]:
    """The words and numbers of a name, without those that say mask or image."""
    return tuple(_TOKEN.findall(_IMAGE.sub(" ", _WORD.sub(" ", text)).lower()))


def _shared_folder(paths: Sequence[str]) -> str:
    """The folder that all paths lie in, with its slash."""
    first, last = (min(paths), max(paths)) if paths else ("", "")
    shared = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[: first.rfind("/", 0, shared) + 1]


def _cut(name: str) -> tuple[str, str]:
    """A name without its suffix, and the suffix; ``.nii.gz`` is one."""
    stem, suffix = posixpath.splitext(name)
    if suffix.lower() == ".gz":
        stem, inner = posixpath.splitext(stem)
        suffix = inner + suffix
    return stem, suffix
