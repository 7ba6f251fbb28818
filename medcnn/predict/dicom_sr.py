"""`--format dicom-sr`: one DICOM structured report (TID 1500, Measurement Report) per DICOM file, by highdicom.

A report belongs to the patient and the study of its file, whose identity it carries on; probabilities are numeric
measurements, the model is identified as the algorithm, and every group says that it is for research. It is neither
complete nor verified. Its UID follows from the model and the image, so that the same report has the same UID.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medcnn.core import files
from medcnn.core.errors import BAD_INPUT, MedcnnError
from medcnn.predict.deciding import NOTE
from medcnn.predict.inputs import Source
from medcnn.predict.model import Model
from medcnn.predict.rows import Options, Row, rows
from medcnn.reading.decode import UnreadableImageError
from medcnn.runtime.console import shown
from medcnn.runtime.version import __version__

if TYPE_CHECKING:
    from pydicom import Dataset

_IDENTITY = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")
_MAY_BE_EMPTY = (
    "PatientID",
    "PatientName",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "ReferringPhysicianName",
)
_OWN = "99MEDCNN"
_LONGEST_MEANING = 64


def write(sources: Sequence[Source], model: Model, options: Options, folder: Path | None) -> int:
    """Write a report per file into a folder, under its UID; returns how many files could not be reported on.

    Raises:
        MedcnnError: no folder is named, or highdicom is not installed.
    """
    if folder is None or (folder.exists() and not folder.is_dir()):
        raise OutputError("--format dicom-sr writes one file per image: name a folder with --output")
    _require()
    failed = 0
    for source in sources:
        try:
            image = _dataset(source)
            report = structured(image, list(_answered(rows([source], model, options))), model)
        except (UnreadableImageError, OSError) as error:
            failed += 1
            print(f"{shown(source.name)}: {shown(str(error))}", file=sys.stderr)
            continue
        file = io.BytesIO()
        report.save_as(file, enforce_file_format=True)
        path = folder / f"{report.SOPInstanceUID}.dcm"
        files.write_bytes(path, file.getvalue())
        print(f"{shown(source.name)}: {path}")
    return failed


class OutputError(MedcnnError):
    """The reports cannot be written where they should be."""

    exit_code = BAD_INPUT


def structured(image: Dataset, answers: Sequence[Row], model: Model) -> Dataset:
    """The report on one image.

    Args:
        image: the DICOM file.
        answers: one per frame, all without an error.
        model: what gave them.
    """
    from highdicom import sr
    from pydicom.sr.codedict import codes
    from pydicom.uid import generate_uid

    observer = sr.DeviceObserverIdentifyingAttributes(
        uid=generate_uid(entropy_srcs=[model.sha256]), name="medcnn", manufacturer_name="medcnn", model_name=__version__
    )
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(
            observer_device_context=sr.ObserverContext(codes.DCM.Device, observer)
        ),
        procedure_reported=sr.CodedConcept("363679005", "SCT", "Imaging"),
        title=codes.DCM.ImagingMeasurementReport,
        imaging_measurements=list(_groups(image, answers, model)),
    )
    return sr.ComprehensiveSR(
        evidence=[image],
        content=content[0],
        series_instance_uid=_uid(model, image, "series"),
        series_number=1,
        sop_instance_uid=_uid(model, image, "report"),
        instance_number=1,
        manufacturer="medcnn",
        series_description=NOTE,
    )


def _groups(image: Dataset, answers: Sequence[Row], model: Model) -> Iterator[Any]:
    """One group per frame."""
    from highdicom import sr
    from pydicom.sr.codedict import codes

    card = model.card
    algorithm = sr.AlgorithmIdentification(
        name=f"{card.study}/{card.model}", version=f"sha256:{model.sha256}", parameters=[card.precision]
    )
    for number, row in enumerate(answers, start=1):
        frames = [number] if len(answers) > 1 else None
        source = sr.SourceImageForMeasurementGroup(image.SOPClassUID, image.SOPInstanceUID, frames)
        yield sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=sr.TrackingIdentifier(
                uid=_uid(model, image, f"frame {number}"), identifier=f"{number}"
            ),
            algorithm_id=algorithm,
            source_images=[source],
            measurements=[
                sr.Measurement(_code(f"p_{index}", f"Probability of {name}"), value, codes.UCUM.NoUnits)
                for index, (name, value) in enumerate(files.rounded(dict(row.probabilities)).items())
            ],
            qualitative_evaluations=[
                sr.QualitativeEvaluation(_code("class", "Class"), _code("answer", row.label or "no answer")),
                sr.QualitativeEvaluation(_code("use", "Use"), _code("research", NOTE)),
            ],
        )


def _code(value: str, meaning: str) -> Any:
    from highdicom import sr

    return sr.CodedConcept(value, _OWN, meaning[:_LONGEST_MEANING])


def _uid(model: Model, image: Dataset, what: str) -> str:
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=[model.sha256, image.SOPInstanceUID, what]))


def _dataset(source: Source) -> Dataset:
    """The file with all that a report on it needs."""
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    try:
        image = dcmread(io.BytesIO(source.read()), stop_before_pixels=True)
    except InvalidDicomError as error:
        raise UnreadableImageError("not a DICOM file, and a structured report needs its patient and study") from error
    lacking = [name for name in _IDENTITY if not image.get(name)]
    if lacking:
        raise UnreadableImageError(f"a structured report needs {', '.join(lacking)}, which the file lacks")
    for name in _MAY_BE_EMPTY:
        if name not in image:
            setattr(image, name, None)
    return image


def _answered(answers: Iterable[Row]) -> Iterator[Row]:
    for row in answers:
        if row.error is not None:
            raise UnreadableImageError(row.error)
        yield row


def _require() -> None:
    try:
        import highdicom  # noqa: F401 (only whether it is there)
    except ModuleNotFoundError as error:
        raise MedcnnError("--format dicom-sr needs highdicom: pip install -r requirements-clinic.txt") from error
