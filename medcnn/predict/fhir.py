"""Rows as a FHIR R4 bundle: one DiagnosticReport and one Observation per image, and the model as a Device.

Codes are text, since no terminology has the classes of a study; no patient is named, as an image file may not name one.
Identifiers follow from the model and the path, so that the same prediction is the same resource.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from medcnn.core import files
from medcnn.predict.deciding import NOTE
from medcnn.predict.model import Model
from medcnn.predict.rows import Row
from medcnn.runtime.console import shown

_UCUM = "http://unitsofmeasure.org"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_DEVICE_NAME = "model-name"


class Fhir:
    """One bundle, an entry per line; one that was cut off ends with an OperationOutcome that says so."""

    def __init__(self, model: Model, levels: Mapping[str, float]) -> None:
        self._model = model
        self._levels = levels
        self._device = _url(model.sha256)

    def start(self) -> str:
        """The beginning of the bundle, and the device."""
        return '{"resourceType": "Bundle", "type": "collection", "entry": [\n' + _entry(self._device, self._as_device())

    def row(self, row: Row) -> str:
        """The report and the observation of an image, or why there is none."""
        name = shown(row.path)
        if row.error is not None:
            return ",\n" + _entry(_url(name), _outcome("error", "not-found", f"{name}: {shown(row.error)}"))
        observation, report = _url(self._model.sha256, name, "observation"), _url(self._model.sha256, name, "report")
        return (
            f",\n{_entry(observation, self._observation(row, name))}"
            f",\n{_entry(report, self._report(row, name, observation))}"
        )

    def end(self, complete: bool) -> str:
        """The end of the bundle."""
        cut = (
            ""
            if complete
            else ",\n" + _entry(_url("cut off"), _outcome("fatal", "incomplete", "The bundle was cut off"))
        )
        return f"{cut}\n]}}\n"

    def _as_device(self) -> dict[str, Any]:
        card = self._model.card
        return {
            "resourceType": "Device",
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:sha256:{self._model.sha256}"}],
            "manufacturer": "medcnn",
            "deviceName": [{"name": f"{card.model} of study {card.study}", "type": _DEVICE_NAME}],
            "version": [{"value": card.precision}],
            "note": [{"text": NOTE}],
        }

    def _observation(self, row: Row, name: str) -> dict[str, Any]:
        found = {"valueCodeableConcept": {"text": row.label}} if row.label else {"dataAbsentReason": _text("no answer")}
        inside = ", ".join(row.prediction_set) or "none"
        notes = [NOTE] if self._model.card.multi_label else [NOTE, f"Prediction set: {inside}."]
        notes += [f"Called from {level:g} on: {called}." for called, level in self._levels.items()]
        notes += ["Unlike the training images."] if row.unlike else []
        return {
            "resourceType": "Observation",
            "identifier": [{"value": name}],
            "status": "preliminary",
            "category": [_category()],
            "code": _text("Class of an image"),
            "device": {"reference": self._device},
            **found,
            "note": [{"text": note} for note in notes],
            "component": [
                {"code": _text(f"Probability of {label}"), "valueQuantity": _quantity(value)}
                for label, value in row.probabilities.items()
            ],
        }

    def _report(self, row: Row, name: str, observation: str) -> dict[str, Any]:
        return {
            "resourceType": "DiagnosticReport",
            "identifier": [{"value": name}],
            "status": "preliminary",
            "code": _text("Image classified by software, for research"),
            "result": [{"reference": observation}],
            "conclusion": f"{row.label or 'No answer'}. {NOTE}",
        }


def _entry(url: str, resource: dict[str, Any]) -> str:
    return json.dumps(files.rounded({"fullUrl": url, "resource": resource}), ensure_ascii=False)


def _url(*names: str) -> str:
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, ' '.join(names))}"


def _text(words: str) -> dict[str, str]:
    return {"text": words}


def _category() -> dict[str, Any]:
    return {"coding": [{"system": _CATEGORY, "code": "imaging"}]}


def _quantity(value: float) -> dict[str, Any]:
    return {"value": value, "unit": "1", "system": _UCUM, "code": "1"}


def _outcome(severity: str, code: str, words: str) -> dict[str, Any]:
    issue = {"severity": severity, "code": code, "diagnostics": words}
    return {"resourceType": "OperationOutcome", "issue": [issue]}
