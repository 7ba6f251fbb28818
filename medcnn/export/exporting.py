"""Trained networks as ONNX files, in float32 and in int8, that answer as Keras does."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from medcnn.core import files
from medcnn.dataset import part
from medcnn.export import compose, convert, drafting, quantise, writing
from medcnn.export.parity import Reference
from medcnn.export.settings import Settings
from medcnn.measures import calibration
from medcnn.runtime import paths


def export(study: str, name: str, network: keras.Model, settings: Settings) -> dict[str, Any]:
    """Write a trained network as ``model.onnx`` and ``model.int8.onnx``, with its temperature.

    No file is left, nor an older one, of a network that does not convert or whose answers differ from those of Keras.

    Args:
        study: its name.
        name: the network's.
        network: from ``image``, float32 (batch, H, W, 3), 0..255, to probabilities (batch, classes), or to that of the
            last of two classes (batch, 1).
        settings: ``params.yaml``.

    Returns:
        The content of ``metrics/export/S/M.json``.

    Raises:
        MedcnnError: the results of an earlier stage are missing, the network does not convert, ONNX Runtime cannot
            open it, or its answers on the test part differ from those of Keras.
    """
    for path in (paths.onnx_model(study, name), paths.int8_model(study, name)):
        path.unlink(missing_ok=True)
    trained = files.read_json(paths.metrics("train", study, name))
    trained.pop("made", None)
    card = drafting.draft(study, settings).card(name, [name], {"train": trained})
    classes = settings.studies[study].labels.class_names
    test, training, validation = (part.read(study, classes, name) for name in ("test", "train", "validation"))
    expected = calibration.scaled(convert.answers(network, test), card.temperature, card.multi_label)
    reference = Reference(test, expected, np.zeros(len(test), bool))

    model = compose.calibrated(convert.converted(network), card.temperature, card.multi_label)
    block = writing.write(model, card, paths.onnx_model(study, name), reference)
    drawn = quantise.drawn(training, settings.benchmark.calibration, settings.seed)
    small, made = quantise.quantised(model, drawn, validation, settings.benchmark)
    return {
        **block,
        "keras_sha256": card.weights_sha256[name],
        "int8": writing.write_int8(small, made, card, paths.int8_model(study, name)),
    }
