"""An image set as people have it, taken through the real ``download`` and ``split``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from medcnn.dataset import manifest
from medcnn.results.base import read
from medcnn.results.data import Doubt, Split
from medcnn.runtime import paths
from tests.conftest import encoded, picture
from tests.project import ROOT, stage

STUDY = "own"
CLASSES = {"benign": "benign", "malignant": "malignant"}
NAMES = tuple(CLASSES)
DRAWN = {"kind": "stratified", "validation": 0.2, "test": 0.25, "folds": 3}


@dataclass(frozen=True)
class Outcome:
    """What ``split`` printed and wrote."""

    printed: str
    facts: Split
    rows: pd.DataFrame

    def doubt(self, kind: str) -> Doubt | None:
        """The doubt of a kind, which the terminal shows too."""
        found = next((doubt for doubt in self.facts.doubts if doubt.kind == kind), None)
        assert found is None or found.text in self.printed
        return found

    def warned(self, kind: str) -> Doubt:
        """A doubt that must be there, and be no mere note."""
        found = self.doubt(kind)
        assert found is not None, f"no {kind} among {[doubt.kind for doubt in self.facts.doubts]}"
        assert found.severity != "note"
        return found

    def labels(self) -> dict[str, str]:
        """The class of every used image by its path."""
        used = self.rows[self.rows["status"] == manifest.USED]
        return dict(zip(used["path"], used["label"], strict=True))

    def reasons(self) -> dict[str, str]:
        """Why images were set aside, by path."""
        aside = self.rows[self.rows["status"] == manifest.SET_ASIDE]
        return dict(zip(aside["path"], aside["reason"], strict=True))


def outcome(
    folder: Path,
    files: Mapping[str, bytes | str],
    classes: Mapping[Any, str] = CLASSES,
    split: Mapping[str, Any] = DRAWN,
    archive: str = "",
    **labels: Any,
) -> Outcome:
    """Write a folder of files, name it in ``params.yaml``, and run the two stages.

    Args:
        folder: of the project; empty.
        files: content by path.
        classes: ``labels.classes``.
        split: the block ``split``.
        archive: one of the files, which the source names instead of the folder.
        labels: other keys of ``labels``.

    Raises:
        MedcnnError: as the stages do.
    """
    for name, content in files.items():
        path = folder / "set" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    params["run"]["studies"] = [STUDY]
    params["studies"][STUDY] = {
        "title": "Own images",
        "source": {"kind": "archive", "path": f"set/{archive}"} if archive else {"kind": "folder", "path": "set"},
        "labels": {"classes": dict(classes), **labels},
        "split": dict(split),
        "images": {"size": 32},
    }
    yaml.dump(params, folder / paths.PARAMS)
    stage(folder, "download", STUDY)
    printed = stage(folder, "split", STUDY)
    facts = read(folder / paths.metrics("split", STUDY), Split)
    return Outcome(printed, facts, manifest.read(folder / paths.manifest(STUDY)))


def folders(count: int = 24, names: tuple[str, ...] = NAMES, first: int = 0) -> dict[str, bytes]:
    """So many pictures in each folder."""
    return {
        f"{name}/i{number:03}.png": encoded(picture(first + 1000 * place + number))
        for place, name in enumerate(names)
        for number in range(count)
    }


def numbered(count: int = 40, name: str = "images/img{:03}.png", kind: str = "PNG") -> dict[str, bytes]:
    """Pictures in one folder, the classes of which a table says: even ones are benign."""
    return {name.format(number): encoded(picture(number), kind) for number in range(count)}


def table(rows: list[tuple[object, ...]], separator: str = ",") -> str:
    """A text table."""
    return "".join(f"{separator.join(map(str, row))}\n" for row in rows)


def classed(count: int = 40, name: str = "img{:03}.png") -> list[tuple[object, ...]]:
    """The rows of a table of names and classes, with a header."""
    return [("file", "dx"), *((name.format(number), NAMES[number % 2]) for number in range(count))]
