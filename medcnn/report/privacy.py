"""A study's facts as they may be handed on: pictures held back, and pseudonyms for names of files and patients."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from medcnn.dataset import manifest
from medcnn.params.report import Privacy
from medcnn.pseudonyms import doubtful, pseudonyms
from medcnn.results.data import Doubt, Split
from medcnn.results.external import External
from medcnn.runtime import paths

if TYPE_CHECKING:
    from medcnn.report.facts import Facts
    from medcnn.report.mistakes import Mistakes

Kind = TypeVar("Kind", Split, External)
_NAMING = ("source", "labels")
"""Blocks of a study in which a path, a pattern of files or the name of a patient may stand."""


def held_back(facts: Facts, privacy: Privacy) -> Facts:
    """The facts without what must not be handed on.

    Args:
        facts: of a study.
        privacy: ``full`` holds nothing back; ``no_images`` pictures, and has pseudonyms for files and patients;
            ``figures_only`` errors by patient and doubts about images too.
    """
    if privacy == "full":
        return facts
    alone, classes = privacy == "figures_only", facts.study.labels.class_names
    download = facts.download and facts.download.model_copy(update={"name": "the archive", "planted": ()})
    external = {name: _doubts(found, name, classes, none=alone) for name, found in facts.external.items()}
    return replace(
        facts,
        data=_doubts(facts.data, facts.name, classes, none=alone),
        external=external,
        download=download,
        explained=None,
        explorer=None,
        problems={},
        suspects=facts.suspects and replace(facts.suspects, first=(), others=()),
        contact_sheet=None,
        mistakes=None if alone or facts.mistakes is None else _pseudonymous(facts.mistakes),
    )


def params(study: dict[str, Any], privacy: Privacy) -> dict[str, Any]:
    """A study's block of ``params.yaml`` as it may be shown."""
    return study if privacy == "full" else {key: block for key, block in study.items() if key not in _NAMING}


def _doubts(of: Kind, study: str, classes: tuple[str, ...], *, none: bool) -> Kind:
    """Images with what is doubtful of them, names being pseudonyms, or with none of it."""
    path = paths.manifest(study)
    # Results may be here without the data that they were made from.
    rows = manifest.read(path, "path", "group") if path.exists() else pd.DataFrame({"path": [], "group": []})
    doubts = [] if none else doubtful.unnamed((doubt.model_dump() for doubt in of.doubts), rows, classes)
    return of.model_copy(update={"doubts": [Doubt.model_validate(doubt) for doubt in doubts]})


def _pseudonymous(mistakes: Mistakes) -> Mistakes:
    names = pseudonyms.of_project()
    groups = (replace(group, name=names.of(group.name, "patient")) for group in mistakes.groups)
    return replace(mistakes, groups=tuple(groups))
