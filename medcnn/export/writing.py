"""Exported models on disk: checked, described by their card, and written only if they answer as they should."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import onnx
from onnx import ModelProto

from medcnn.core import files
from medcnn.export.parity import Reference, answers, parity
from medcnn.export.quantise import Quantised
from medcnn.inference import sessions
from medcnn.inference.card import Card


def write(model: ModelProto, card: Card, path: Path, reference: Reference) -> dict[str, Any]:
    """Write a model if it answers as Keras does.

    Returns:
        What ``metrics/export`` says of it, ``int8`` aside.

    Raises:
        MedcnnError: ONNX Runtime cannot open it, or its answers differ.
    """
    content = serialized(model, card.metadata)
    compared = parity(reference, answers(sessions.session(content, path), reference.test))
    files.write_bytes(path, content)
    return {
        **_identity(content),
        "opset": max(opset.version for opset in model.opset_import if not opset.domain),
        "temperature": card.temperature,
        "conformal_threshold": card.conformal_threshold,
        "parity": asdict(compared),
    }


def write_int8(model: ModelProto, made: Quantised, card: Card, path: Path) -> dict[str, Any]:
    """Write a quantised model, which was held to its limits before.

    Returns:
        What ``metrics/export`` says under ``int8``.

    Raises:
        MedcnnError: ONNX Runtime cannot open it.
    """
    content = serialized(model, replace(card, precision=made.precision).metadata)
    sessions.session(content, path)
    files.write_bytes(path, content)
    return {**_identity(content), **asdict(made)}


def serialized(model: ModelProto, metadata: Mapping[str, str]) -> bytes:
    """The content of an ONNX file; the same canonical model and metadata give the same bytes."""
    described = ModelProto()
    described.CopyFrom(model)
    onnx.helper.set_model_props(described, dict(sorted(metadata.items())))
    onnx.checker.check_model(described, full_check=True)
    content: bytes = described.SerializeToString(deterministic=True)
    return content


def _identity(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
