"""A study's facts as they may be handed on: pictures, names of files and names of patients held back as is wanted."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from medcnn.params.report import Privacy
from medcnn.results.data import Split
from medcnn.results.external import External

if TYPE_CHECKING:
    from medcnn.report.facts import Facts
    from medcnn.report.mistakes import Mistakes

Kind = TypeVar("Kind", Split, External)
_NAMING = ("source", "labels")
"""Blocks of a study in which a path, a pattern of files or the name of a patient may stand."""
_PATH = re.compile(r"'[^']*'|\S*[/\\]\S*|\S+\.[A-Za-z]{2,5}\b")
"""What in a sentence may be the name of a file, or was quoted from the data."""


def held_back(facts: Facts, privacy: Privacy) -> Facts:
    """The facts without what must not be handed on.

    Args:
        facts: of a study.
        privacy: ``full`` holds nothing back; ``no_images`` pictures, and names of files and patients; ``figures_only``
            errors by patient and doubts about images too.
    """
    if privacy == "full":
        return facts
    alone = privacy == "figures_only"
    download = facts.download and facts.download.model_copy(update={"name": "the archive", "planted": ()})
    return replace(
        facts,
        data=_doubts(facts.data, alone),
        external={name: _doubts(found, alone) for name, found in facts.external.items()},
        download=download,
        explained=None,
        explorer=None,
        problems={},
        suspects=facts.suspects and replace(facts.suspects, first=(), others=()),
        contact_sheet=None,
        mistakes=None if alone or facts.mistakes is None else _numbered(facts.mistakes),
    )


def unnamed(text: str) -> str:
    """A sentence without what may be the name of a file."""
    return _PATH.sub("...", text)


def params(study: dict[str, Any], privacy: Privacy) -> dict[str, Any]:
    """A study's block of ``params.yaml`` as it may be shown."""
    return study if privacy == "full" else {key: block for key, block in study.items() if key not in _NAMING}


def _doubts(of: Kind, none: bool) -> Kind:
    """Images with what is doubtful of them, without names, or with none of it."""
    doubts = [doubt.model_copy(update={"examples": [], "text": unnamed(doubt.text)}) for doubt in of.doubts]
    return of.model_copy(update={"doubts": [] if none else doubts})


def _numbered(mistakes: Mistakes) -> Mistakes:
    groups = (replace(group, name=f"group {number}") for number, group in enumerate(mistakes.groups, start=1))
    return replace(mistakes, groups=tuple(groups))
