"""What is benchmarked: a network, an ensemble or a cascade, in every form in which it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medcnn.benchmark.job import BFLOAT16, INT8
from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.ensemble import combined
from medcnn.ensemble.combined import Combined
from medcnn.ensemble.rules import Cascade
from medcnn.results import base
from medcnn.results.compared import Compared
from medcnn.runtime import paths


@dataclass(frozen=True)
class Subject:
    """A network, an ensemble or a cascade, in every form in which it is stored.

    Attributes:
        study: the study that it was trained on.
        name: the model's name.
        networks: the Keras file of each network that it runs, by name.
        onnx: the exported model in float32.
        int8: the exported model with as many layers in int8 as validation allows.
        int8_precision: whether these are all, some or none: int8, mixed or float32.
        temperature: divides the logits in the exported model.
    """

    study: str
    name: str
    networks: Mapping[str, Path]
    onnx: Path
    int8: Path
    int8_precision: str
    temperature: float

    def precision(self, engine: str) -> str:
        """The type of numbers that an engine computes with."""
        return {INT8: self.int8_precision, BFLOAT16: "bfloat16"}.get(engine, "float32")


def network(study: str, name: str) -> Subject:
    """A trained model or chain.

    Raises:
        MedcnnError: it is not trained or not exported, or its record lacks a key.
    """
    path = paths.metrics("export", study, name)
    return _subject(study, name, (name,), _record(path), path)


def combinations(study: str) -> list[Subject]:
    """The ensembles and cascades of a study, of those that run the same networks one.

    Raises:
        MedcnnError: see ``network``.
    """
    made = combined.read_all(study)
    path = paths.metrics("export_ensembles", study)
    records = _record(path) if made else {}
    timed = distinct(made, base.read(paths.metrics("comparisons", study), Compared)) if made else ()
    return [_subject(study, name, made[name].members, records.get(name), path) for name in timed]


def distinct(made: Mapping[str, Combined], compared: Compared) -> list[str]:
    """Of ensembles of the same networks the chosen one, else the best ranked: joining answers costs next to nothing.

    Args:
        made: ensembles and cascades by name.
        compared: how the models of the study rank.
    """
    ranks = {name: rank for rank, name in enumerate(compared.ranking)} | {compared.best: -1}
    found: dict[object, str] = {}
    for name in sorted(made, key=ranks.__getitem__):
        found.setdefault((isinstance(made[name].rule, Cascade), made[name].members), name)
    return [name for name in made if name in found.values()]


def _record(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise MedcnnError(f"{path} not found: export the model first (`dvc repro`)")
    record: dict[str, Any] = files.read_json(path)
    return record


def _subject(study: str, name: str, members: tuple[str, ...], record: Any, path: Path) -> Subject:
    """A model with its files and what its export recorded; ``path`` is where the record was read."""
    subject = Subject(
        study=study,
        name=name,
        networks={member: paths.keras_model(study, member) for member in members},
        onnx=paths.onnx_model(study, name),
        int8=paths.int8_model(study, name),
        int8_precision=_value(record, path, name, "int8", "precision"),
        temperature=_value(record, path, name, "temperature"),
    )
    for file in (*subject.networks.values(), subject.onnx, subject.int8):
        if not file.is_file():
            raise MedcnnError(f"{file} not found: train and export the model first (`dvc repro`)")
    return subject


def _value(record: Any, path: Path, name: str, *keys: str) -> Any:
    for key in keys:
        if not isinstance(record, Mapping) or key not in record:
            raise MedcnnError(f"{path} lacks {'.'.join(keys)} of '{name}': export the model again (`dvc repro`)")
        record = record[key]
    return record
