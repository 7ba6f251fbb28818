from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.params.studies import Study
from medcnn.params.whole import Params
from medcnn.results.data import Split
from medcnn.split.fingerprint import fingerprint
from medcnn.split.surveying import Survey
from tests.project import changed
from tests.split.test_surveying import by_path, images, study, surveyed

__all__ = ["study"]

FIRST, SECOND, COPY = "yes/patient_0_0.png", "yes/patient_0_1.png", "no/patient_9_0.png"


def corrected(folder: Path, study: Study, table: str, members: dict[str, bytes] | None = None) -> Survey:
    file = folder / "verdicts.csv"
    file.write_text(table)
    return surveyed(folder, members or images(), changed(study, {"labels.corrections": str(file)}))


def test_verdicts_change_and_drop_labels_with_counts_before_and_after(tmp_path: Path, study: Study) -> None:
    table = f"path,label,given\n{FIRST},healthy,tumour\n{SECOND},drop,tumour\nyes/patient_2_0.png,,tumour\n"
    survey = corrected(tmp_path, study, table)
    rows = by_path(survey)
    assert (rows[FIRST].label, rows[FIRST].status) == ("healthy", "used")
    assert (rows[SECOND].status, rows[SECOND].reason) == ("set_aside", "dropped by labels.corrections")
    assert rows["yes/patient_2_0.png"].label == "tumour"
    facts = Split.model_validate(fingerprint(survey, "regroup", 1)).corrections
    assert facts is not None
    assert (facts.relabelled, facts.dropped, facts.moves) == (1, 1, {"tumour to healthy": 1})
    assert (facts.before, facts.after) == ({"healthy": 30, "tumour": 30}, {"healthy": 31, "tumour": 28})


def test_without_verdicts_nothing_is_said(tmp_path: Path, study: Study) -> None:
    assert surveyed(tmp_path, images(), study).corrections is None
    assert corrected(tmp_path, study, f"path,label\n{FIRST},\n").corrections is None


def test_a_contradiction_is_settled_by_a_verdict(tmp_path: Path, study: Study) -> None:
    members = images() | {COPY: images()[FIRST]}
    assert by_path(surveyed(tmp_path, members, study))[FIRST].status == "set_aside"
    assert by_path(corrected(tmp_path, study, f"path,label\n{COPY},tumour\n", members))[FIRST].status == "used"


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ("path,label\nyes/nobody.png,healthy\n", "yes/nobody.png"),
        (f"path,label\n{FIRST},benign\n", "'benign'.*tumour.*drop"),
        (f"path,label\n{FIRST},drop\n{FIRST},healthy\n", "twice"),
        (f"file,label\n{FIRST},drop\n", "path and label"),
    ],
)
def test_what_cannot_be_meant_is_refused(table: str, named: str, tmp_path: Path, study: Study) -> None:
    with pytest.raises(MedcnnError, match=f"studies.brain_mri.labels.corrections.*{named}"):
        corrected(tmp_path, study, table)


def test_a_missing_file_is_named(tmp_path: Path, study: Study, settings: Params) -> None:
    with pytest.raises(MedcnnError, match="no such file"):
        surveyed(tmp_path, images(), changed(study, {"labels.corrections": "corrections/none.csv"}))
