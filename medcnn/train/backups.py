"""Backups of trainings: after every epoch, all that is needed to resume from there and end with the same bytes."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from medcnn.core import files
from medcnn.runtime import locking, paths
from medcnn.train.stopping import Progress

Arrays = list[np.ndarray]


@dataclass(frozen=True)
class State:
    """A training between two epochs.

    Attributes:
        progress: how it went so far.
        last: the weights and the optimizer's state after the last epoch.
        best: the weights after the best epoch, or those that the phase began with while no epoch was better.
    """

    progress: Progress
    last: Arrays
    best: Arrays


class Backup:
    """The backup of one training, one file per phase."""

    def __init__(self, stem: Path) -> None:
        self._stem = stem

    def save(self, phase: int, state: State) -> None:
        """Replace the phase's earlier backup, whole or not at all."""
        kinds = {"last": state.last, "best": state.best}
        arrays = {f"{kind}_{index}": array for kind, all_ in kinds.items() for index, array in enumerate(all_)}
        with files.replacing(self._path(phase)) as temporary:
            np.savez(temporary, progress=np.array(json.dumps(asdict(state.progress))), **arrays)  # type: ignore[arg-type]

    def load(self, phase: int) -> State | None:
        """The last saved state; None where there is none, or a file that a power cut left broken."""
        try:
            with np.load(self._path(phase), allow_pickle=False) as saved:
                progress = Progress(**json.loads(str(saved["progress"])))
                return State(progress, _starting_with("last", saved), _starting_with("best", saved))
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
            return None

    def forget(self) -> None:
        """Remove it, once the result of the training is written."""
        for path in self._stem.parent.glob(f"{self._stem.name}-*.npz"):
            path.unlink()

    def _path(self, phase: int) -> Path:
        return self._stem.with_name(f"{self._stem.name}-{phase}.npz")


@contextmanager
def claim(name: str) -> Iterator[Backup]:
    """Hold the backup called ``name``; a second process that trains the same thing waits for the first."""
    stem = paths.state("backup") / name
    with locking.held(stem.with_name(f"{name}.lock"), "trains the same model on the same data"):
        yield Backup(stem)


def _starting_with(kind: str, saved: np.lib.npyio.NpzFile) -> Arrays:
    count = sum(name.startswith(f"{kind}_") for name in saved.files)
    return [saved[f"{kind}_{index}"] for index in range(count)]
