"""Networks with a frozen backbone that were built before: what another probe needs of them, without TensorFlow."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import medcnn.networks
from medcnn.core import files
from medcnn.core.seeding import pin_tensorflow
from medcnn.networks import replacing
from medcnn.runtime import locking, paths
from medcnn.train import features
from medcnn.train.features import Extractor
from medcnn.train.recording import counts
from medcnn.train.task import Task

if TYPE_CHECKING:
    import keras

    from medcnn.networks.forward import Inference

_BUILT_FROM = {
    *("backbone", "weights", "preprocessing", "pooling", "frozen", "frozen_norm", "features"),
    *("head", "batch_norm", "dense", "dropout", "initializer", "output"),
}
"""Keys of a model's block that its untrained network depends on."""


@dataclass(frozen=True)
class Facts:
    """What is known of an untrained network.

    Attributes:
        key: of its features; see ``Extractor``.
        width: how many features its backbone finds.
        units: of its output.
        place: where its output layer stands in its file; see ``replacing``.
        counts: its parameters, those that are trained, and what it costs, as ``metrics/train`` has them.
    """

    key: str
    width: int
    units: int
    place: str
    counts: dict[str, int]


class Known:
    """The untrained network of a task, which is built only where it was not before, or features are missing."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._stem = paths.state("networks") / _name(task)

    @property
    def file(self) -> Path:
        """The network as a ``.keras`` file."""
        return self._stem.with_suffix(".keras")

    @cached_property
    def facts(self) -> Facts:
        """What is known of it, once its file is there."""
        noted = self._stem.with_suffix(".json")
        with locking.held(self._stem.with_suffix(".lock"), "builds the same network"):
            try:
                found = Facts(**files.read_json(noted))
                zipfile.ZipFile(self.file).close()
            except (OSError, ValueError, TypeError, zipfile.BadZipFile):
                found = self._built()
                files.write_json(noted, asdict(found))
        return found

    @cached_property
    def extractor(self) -> Extractor:
        """Its backbone."""
        return Extractor(self.facts.key, (self.facts.width,), self._inference)

    @cached_property
    def _network(self) -> keras.Model:
        pin_tensorflow(self._task.seed, portable=self._task.params.compute.portable)
        from medcnn.train import training

        return training.untrained(self._task)

    @cached_property
    def _backbone(self) -> Extractor:
        from medcnn.networks import building

        return Extractor.of(building.extractor(self._network))

    def _inference(self, dtype: np.dtype) -> Inference:
        return self._backbone.inference(dtype)

    def _built(self) -> Facts:
        """Write the network; returns what is known of it now."""
        network, backbone = self._network, self._backbone
        from medcnn.networks import saving

        saving.save(network, self.file)
        kernel, _ = network.get_layer("head").get_layer("probabilities").get_weights()
        width, units = kernel.shape
        return Facts(backbone.key, width, units, replacing.place(self.file, kernel), counts(network))


def _name(task: Task) -> str:
    """A digest of the settings, files, code and packages that build a network."""
    code = [Path(features.__file__), *sorted(Path(medcnn.networks.__file__).parent.glob("*.py"))]
    weights = sorted(path for path in paths.weights(task.name).iterdir() if path.is_file())
    parts = (
        task.settings.model_dump(mode="json", include=_BUILT_FROM),
        task.params.studies[task.study].images.size,
        len(task.classes),
        task.multi_label,
        task.params.compute.portable,
        *(files.sha256(path) for path in (*weights, *code)),
        *(metadata.version(name) for name in ("keras", "tensorflow")),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()
