"""The clinic's formats: read back by pydicom and highdicom, and by the models of FHIR R4B."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from medcnn.core import files
from tests.reading.formats.test_dicom import RAMP, scan

IDENTITY = {
    "SOPClassUID": "1.2.840.10008.5.1.4.1.1.2",
    "SOPInstanceUID": "1.2.3",
    "StudyInstanceUID": "1.2.3.4",
    "SeriesInstanceUID": "1.2.3.4.5",
    "PatientID": "P7",
    "PatientName": "Doe^Jane",
    "Modality": "CT",
}


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "scan.dcm"
    path.write_bytes(scan(**IDENTITY))
    return path


def csv_of(predict: Callable, path: Path) -> list[dict[str, str]]:
    header, *lines = predict(path, "--format", "csv").stdout.splitlines()
    return [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]


@pytest.mark.parametrize("frames", [1, 3])
def test_a_structured_report_holds_the_probabilities_and_what_gave_them(
    predict: Callable, tmp_path: Path, model: Path, frames: int
):
    sr = pytest.importorskip("highdicom.sr")
    path = tmp_path / "scan.dcm"
    path.write_bytes(scan(np.stack([RAMP] * frames) if frames > 1 else RAMP, **IDENTITY))
    done = predict(path, "--format", "dicom-sr", "--output", tmp_path / "reports")
    assert done.code == 0
    (file,) = (tmp_path / "reports").iterdir()
    report = sr.srread(file)
    assert (report.PatientID, str(report.PatientName), report.StudyInstanceUID) == ("P7", "Doe^Jane", "1.2.3.4")
    assert (report.CompletionFlag, report.VerificationFlag) == ("PARTIAL", "UNVERIFIED")
    groups = report.content.get_image_measurement_groups()
    assert len(groups) == frames
    for group, row in zip(groups, csv_of(predict, path), strict=True):
        found = {measured.name.meaning: float(measured.value) for measured in group.get_measurements()}
        assert found == {f"Probability of {name}": float(row[f"p_{name}"]) for name in ("dark", "bright")}
        said = {item.name.meaning: item.value.meaning for item in group.get_qualitative_evaluations()}
        assert said == {"Class": row["class"], "Use": "For research. Not a medical device."}
    written = file.read_bytes()
    assert b"shades/mean" in written and f"sha256:{files.sha256(model)}".encode() in written


def test_the_same_image_gets_the_same_report_uid(predict: Callable, tmp_path: Path, image: Path):
    pytest.importorskip("highdicom")
    for folder in ("a", "b"):
        assert predict(image, "--format", "dicom-sr", "--output", tmp_path / folder).code == 0
    assert [path.name for path in (tmp_path / "a").iterdir()] == [path.name for path in (tmp_path / "b").iterdir()]


def test_what_is_no_dicom_file_or_lacks_an_identity_is_refused_with_the_reason(predict: Callable, tmp_path: Path):
    pytest.importorskip("highdicom")
    file = io.BytesIO()
    Image.new("L", (40, 40), 99).save(file, "PNG")
    (tmp_path / "picture.png").write_bytes(file.getvalue())
    (tmp_path / "bare.dcm").write_bytes(scan())
    done = predict(
        tmp_path / "picture.png", tmp_path / "bare.dcm", "--format", "dicom-sr", "--output", tmp_path / "out"
    )
    assert done.code == 3
    assert "picture.png: not a DICOM file" in done.stderr and "StudyInstanceUID" in done.stderr
    assert not (tmp_path / "out").exists()


def test_structured_reports_need_a_folder(predict: Callable, image: Path, tmp_path: Path):
    assert predict(image, "--format", "dicom-sr").code == 2
    (tmp_path / "file").touch()
    assert predict(image, "--format", "dicom-sr", "--output", tmp_path / "file").code == 2


def test_a_bundle_is_valid_and_holds_the_same_figures(predict: Callable, tmp_path: Path, image: Path):
    bundle = pytest.importorskip("fhir.resources.R4B.bundle", reason="fhir.resources is not installed").Bundle
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    done = predict(image, tmp_path / "broken.png", "--format", "fhir")
    assert done.code == 3
    assert predict(image, tmp_path / "broken.png", "--format", "fhir").stdout == done.stdout
    read = bundle.model_validate(json.loads(done.stdout))
    kinds = [entry.resource.get_resource_type() for entry in read.entry]
    assert kinds == ["Device", "Observation", "DiagnosticReport", "OperationOutcome"]
    observation, report = read.entry[1].resource, read.entry[2].resource
    (row,) = csv_of(predict, image)
    assert observation.valueCodeableConcept.text == row["class"]
    found = {part.code.text: float(part.valueQuantity.value) for part in observation.component}
    assert found == {f"Probability of {name}": float(row[f"p_{name}"]) for name in ("dark", "bright")}
    assert report.result[0].reference == read.entry[1].fullUrl
    assert observation.device.reference == read.entry[0].fullUrl
    assert report.status == "preliminary" and "research" in report.conclusion
    assert len({entry.fullUrl for entry in read.entry}) == 4
