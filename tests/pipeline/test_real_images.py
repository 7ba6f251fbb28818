"""The two real studies end to end, where their archives lie beside the project; nothing here needs them."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from medcnn.core import files
from tests.pipeline.conftest import repository, sh
from tests.project import ROOT

DATA = ROOT.parent / "shared" / "data"
ARCHIVES = {
    "brain_mri": DATA / "brain-mri-images-for-brain-tumor-detection.zip",
    "chest_xray": DATA / "chest-xray-pneumonia-sample.zip",
}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.dvc,
    pytest.mark.skipif(not all(path.exists() for path in ARCHIVES.values()), reason="the real archives are not here"),
]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = repository(tmp_path_factory.mktemp("real") / "project")
    yaml = YAML()
    tree = yaml.load(folder / "params.yaml")
    tree["run"] |= {"studies": list(ARCHIVES), "models": ["tiny"], "chains": {"first": [], "second": []}}
    for study, archive in ARCHIVES.items():
        tree["studies"][study]["source"] |= {"kind": "archive", "path": str(archive)}
        tree["studies"][study]["images"]["size"] = 32
    yaml.dump(tree, folder / "params.yaml")
    sh(folder, "dvc", "repro")
    return folder


def sides(folder: Path, study: str, column: str) -> dict[str, set[str]]:
    found = defaultdict(set)
    with (folder / f"data/splits/{study}.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            found[row[column]].add(row["split"])
    return found


def test_brain_mri_is_found_once_with_its_duplicates(real: Path) -> None:
    facts = files.read_json(real / "metrics/split/brain_mri.json")
    assert (facts["images"], facts["used"]) == (253, 253)
    assert facts["classes"] == {"healthy": 98, "tumour": 155}
    assert facts["duplicates"]["exact_groups"] == 22
    assert facts["duplicates"]["near_groups"] == 35
    assert facts["leak"]["random_split_images"] > 15


@pytest.mark.parametrize("study", ARCHIVES)
@pytest.mark.parametrize("column", ["group", "sha256"])
def test_nothing_stands_on_two_sides(real: Path, study: str, column: str) -> None:
    assert all(len(found) == 1 for found in sides(real, study, column).values())
    assert files.read_json(real / f"metrics/split/{study}.json")["leak"]["this_split"] == 0


def test_chest_xray_patients_come_from_its_file_names(real: Path) -> None:
    facts = files.read_json(real / "metrics/split/chest_xray.json")
    assert facts["images"] == 653
    assert 300 < facts["patients"] < 653
    assert {"train", "validation", "test"} == set().union(*sides(real, "chest_xray", "group").values())


@pytest.mark.parametrize("study", ARCHIVES)
def test_both_reach_metrics_and_the_page(real: Path, study: str) -> None:
    with (real / f"data/splits/{study}.csv").open(newline="") as file:
        expected = sum(row["split"] == "test" for row in csv.DictReader(file))
    assert files.read_json(real / f"metrics/evaluate/{study}.json")["tiny"]["test"]["support"] == expected
    assert study in (real / "plots/report/index.html").read_text()
