"""Ensembles and cascades as ONNX files, composed of the exported networks that they run."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto

from medcnn.core import files
from medcnn.core.arrays import Floats
from medcnn.core.errors import MedcnnError
from medcnn.dataset import part
from medcnn.dataset.part import Part
from medcnn.ensemble import combined
from medcnn.ensemble.combined import Combined
from medcnn.export import compose, convert, costing, drafting, writing
from medcnn.export.costing import Cost
from medcnn.export.drafting import Draft
from medcnn.export.parity import TOLERANCE, Reference, answers
from medcnn.export.quantise import Quantised
from medcnn.export.settings import Settings
from medcnn.inference.card import Card
from medcnn.measures import calibration
from medcnn.networks import exact, saving
from medcnn.params.judging.benchmark import Quantisation
from medcnn.runtime import paths


@dataclass(frozen=True)
class Network:
    """A member: its exported models, how it was quantised, and its answers.

    Attributes:
        models: ``model.onnx`` and ``model.int8.onnx``, by precision, ``float32`` and ``int8``.
        quantised: ``int8`` of ``metrics/export/S/M.json``.
        in_keras: raw probabilities of Keras on the test part, (N, classes).
        seen: raw probabilities on the validation part, (N, classes), by precision.
    """

    models: Mapping[str, ModelProto]
    quantised: Mapping[str, Any]
    in_keras: Floats
    seen: Mapping[str, Floats]


def export(study: str, settings: Settings) -> dict[str, Any]:
    """Write every ensemble and cascade of a study, as ``model.onnx`` and ``model.int8.onnx``.

    No file of an earlier run is left, nor of a model whose answers differ from those of its members in Keras.

    Args:
        study: its name.
        settings: ``params.yaml``.

    Returns:
        The content of ``metrics/export_ensembles/S.json``: one block per model, by name.

    Raises:
        MedcnnError: the results of an earlier stage are missing, or a model's answers differ from its members'.
    """
    paths.combined_models(study).mkdir(parents=True, exist_ok=True)
    files.keep_only(paths.combined_models(study), ())
    found = combined.read_all(study)
    if not found:
        return {}
    classes = settings.studies[study].labels.class_names
    parts = {name: part.read(study, classes, name) for name in ("validation", "test")}
    names = sorted({member for made in found.values() for member in made.members})
    networks = {name: _network(study, name, **parts) for name in names}
    draft = drafting.draft(study, settings)
    return {
        name: _exported(made, {member: networks[member] for member in made.members}, parts, draft)
        for name, made in found.items()
    }


def _network(study: str, name: str, validation: Part, test: Part) -> Network:
    files_of = {"float32": paths.onnx_model(study, name), "int8": paths.int8_model(study, name)}
    models = {precision: _model(path) for precision, path in files_of.items()}
    raw = {precision: compose.uncalibrated(model) for precision, model in models.items()}
    return Network(
        models,
        files.read_json(paths.metrics("export", study, name))["int8"],
        convert.answers(saving.load(paths.keras_model(study, name)), test),
        {precision: _answers(model, files_of[precision], validation) for precision, model in raw.items()},
    )


def _model(path: Path) -> ModelProto:
    try:
        return onnx.load_model_from_string(path.read_bytes())
    except FileNotFoundError as error:
        raise MedcnnError(f"{path} not found: export the model first (`dvc repro`)") from error


def _answers(model: ModelProto, path: Path, images: Part) -> Floats:
    return answers(exact.opened(model.SerializeToString(), path), images)


def _exported(
    made: Combined, members: Mapping[str, Network], parts: Mapping[str, Part], draft: Draft
) -> dict[str, Any]:
    card = draft.card(made.name, members, {})
    raw = np.stack([member.in_keras for member in members.values()]).astype(np.float64)
    expected = calibration.scaled(made.rule.combine(raw), card.temperature, card.multi_label)
    model = compose.combined(made.rule, [member.models["float32"] for member in members.values()], card.temperature)
    reference = Reference(parts["test"], expected, made.rule.undecided(raw, TOLERANCE))
    block = writing.write(model, card, paths.onnx_model(draft.study, made.name), reference)
    small, how = _quantised(made, members, card, parts["validation"], draft.settings.benchmark)
    return {
        **block,
        "members": made.members,
        "int8": writing.write_int8(small, how, card, paths.int8_model(draft.study, made.name)),
    }


def _quantised(
    made: Combined, members: Mapping[str, Network], card: Card, validation: Part, limits: Quantisation
) -> tuple[ModelProto, Quantised]:
    """The combination with as many members in int8 as the limits allow, and how it came about.

    The cost of a choice of members is computed from their answers, then checked on the composed model.
    """

    def joined(precisions: Mapping[str, str]) -> Floats:
        raw = made.rule.combine(np.stack([members[name].seen[precision] for name, precision in precisions.items()]))
        return calibration.scaled(raw, card.temperature, card.multi_label)

    before = joined(dict.fromkeys(members, "float32"))

    def fits(precisions: Mapping[str, str], cost: Cost) -> bool:
        return "int8" not in precisions.values() or costing.allowed(cost, limits)

    for trials, precisions in enumerate(_choices(members), start=1):
        if fits(precisions, costing.cost(validation.labels, before, joined(precisions))):
            chosen = [members[name].models[precision] for name, precision in precisions.items()]
            model = compose.combined(made.rule, chosen, card.temperature)
            after = _answers(model, paths.int8_model(card.study, made.name), validation)
            cost = costing.cost(validation.labels, before, after)
            if fits(precisions, cost):
                return model, _summary(members, precisions, cost, trials)
    raise AssertionError("all members in float32 always fit")


def _choices(members: Mapping[str, Network]) -> Iterator[dict[str, str]]:
    """The precision of each member: as few in float32 as possible, of as many first those that int8 harms most."""

    def rise(name: str) -> float:
        return float(members[name].quantised["validation"]["cross_entropy_rise"])

    smaller = [name for name in members if members[name].quantised["precision"] != "float32"]
    worst_first = sorted(smaller, key=rise, reverse=True)
    for count in range(len(worst_first) + 1):
        for in_float in itertools.combinations(worst_first, count):
            yield {name: "int8" if name in smaller and name not in in_float else "float32" for name in members}


def _summary(members: Mapping[str, Network], precisions: Mapping[str, str], cost: Cost, trials: int) -> Quantised:
    """How a combination was quantised, from how its members were; layers that members share count for each."""
    blocks = {name: member.quantised for name, member in members.items()}
    layers = {"int8": 0, "float32": 0}
    for name, block in blocks.items():
        for precision, count in block["layers"].items():
            layers[precision if precisions[name] == "int8" else "float32"] += count
    found = {block["precision"] if precisions[name] == "int8" else "float32" for name, block in blocks.items()}
    return Quantised(
        precision=found.pop() if len(found) == 1 else "mixed",
        layers=layers,
        left_in_float=tuple(name for name, precision in precisions.items() if precision == "float32"),
        calibration_images=max(block["calibration_images"] for block in blocks.values()),
        validation=cost,
        trials=trials,
    )
