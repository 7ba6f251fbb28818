"""Doubts about an image set, see ``medcnn.dataset.doubts``, with pseudonyms in place of names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from medcnn.pseudonyms import pseudonyms
from medcnn.pseudonyms.pseudonyms import Kind, Known, Pseudonyms

if TYPE_CHECKING:
    import pandas as pd

_SENTENCES = (
    "labels_of_two_classes",
    "near_copies_of_two_classes",
    "patients_spelt_alike",
    "shares_missed",
    "shortcuts",
)
"""Kinds of doubts whose examples are no names, but say something of them."""
_SHORTEST = 3
"""Letters of a name that is looked for where nothing quotes it."""


def unnamed(doubts: Iterable[Mapping[str, Any]], rows: pd.DataFrame, classes: Collection[str]) -> list[dict[str, Any]]:
    """The doubts with the pseudonyms of this project.

    Args:
        doubts: about a study, as plain values.
        rows: path and group of its images.
        classes: names that stay.
    """
    names, known = pseudonyms.of_project(), _findable(names_of(rows["path"], rows["group"]), classes)
    return [_unnamed(doubt, names, known, classes) for doubt in doubts]


def names_of(files: Iterable[str], groups: Iterable[str]) -> Known:
    """The names in a manifest: files, their folders, and patients."""
    files = list(files)
    parts = {part for file in files for part in PurePosixPath(file).parts}
    return {**dict.fromkeys(parts, "name"), **dict.fromkeys(groups, "patient"), **dict.fromkeys(files, "file")}


def _findable(known: Known, classes: Collection[str]) -> Known:
    """Without names of two letters and numbers, as counts look like them, and classes, which are names of folders."""
    left_out = {name for name in known if len(name) < _SHORTEST or name.isdecimal() or name in classes}
    return {name: kind for name, kind in known.items() if name not in left_out}


def _unnamed(doubt: Mapping[str, Any], names: Pseudonyms, known: Known, classes: Collection[str]) -> dict[str, Any]:
    examples: list[str] = doubt["examples"]
    if doubt["kind"] in _SENTENCES:
        said = [names.within(example, known, classes) for example in examples]
    else:
        # Of files and patients that the manifest lacks, too.
        found: dict[str, Kind] = {name: "file" if PurePosixPath(name).suffix else "name" for name in examples}
        known = {**found, **known}
        said = [names.of(name, known[name]) for name in examples]
    return {**doubt, "text": names.within(doubt["text"], known, classes), "examples": said}
