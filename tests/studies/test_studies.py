"""The five published studies end to end, each on an archive of its own layout, by the real params.yaml made small."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import manifest, pack
from medcnn.params import whole
from medcnn.runtime import paths
from stages import download, ensemble, evaluate, prepare, split, train, weights
from tests.project import shrink
from tests.studies import archives

STUDIES = {
    "chest_ct": archives.chest_ct,
    "brain_mri": archives.brain_mri,
    "leukemia": archives.leukemia,
    "lung_ct": archives.lung_ct,
    "chest_xray": archives.chest_xray,
}
NOTHING = {"first": [], "second": []}
SIZE = 32


def project(folder: Path, **changes: Any) -> Path:
    """A folder with the real params.yaml, its five studies pointed at small archives."""
    tree = {"run.studies": list(STUDIES), "run.models": ["tiny"], "run.chains": NOTHING, "run.cascades": NOTHING}
    for study in STUDIES:
        source = {"kind": "archive", "path": f"{study}.zip"}
        tree |= {f"studies.{study}.source": source, f"studies.{study}.images.size": SIZE}
        tree |= {f"studies.{study}.images.views.count": 1}
    return shrink(folder, tree | {key.replace("__", "."): value for key, value in changes.items()})


def facts(study: str) -> dict[str, Any]:
    return files.read_json(paths.metrics("split", study))


def rows(study: str) -> dict[str, Any]:
    return {row.path: row for row in manifest.read(paths.manifest(study)).itertuples()}


def all_prepared(folder: Path) -> Path:
    """All five studies downloaded, split and prepared in a project's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for study, archive in STUDIES.items():
            archive(Path(f"{study}.zip"))
            download.main(study)
            split.main(study)
            prepare.main(study)
    return folder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All five studies; the tests run in their folder."""
    return all_prepared(project(tmp_path_factory.mktemp("studies")))


@pytest.fixture(autouse=True)
def _inside(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(request.getfixturevalue("prepared") if "prepared" in request.fixturenames else tmp_path)


@pytest.mark.usefixtures("prepared")
@pytest.mark.parametrize("study", STUDIES)
def test_neither_patient_nor_copy_stands_on_two_sides_and_every_image_can_be_read(study: str) -> None:
    sides = defaultdict(set)
    for row in manifest.used(paths.manifest(study)).itertuples():
        sides[row.group].add(row.split)
        sides[row.sha256].add(row.split)
    assert all(len(found) == 1 for found in sides.values())
    assert facts(study)["leak"]["this_split"] == 0
    assert "unreadable" not in facts(study)["set_aside"]
    assert "no class" not in facts(study)["set_aside"]
    images = pack.images(paths.prepared(study))
    assert images.shape == (facts(study)["used"], SIZE, SIZE, 3)
    assert images[:].std(axis=(1, 2, 3)).min() > 5


@pytest.mark.usefixtures("prepared")
def test_chest_ct_spells_each_class_once_and_drops_the_copies_of_test_images_from_training() -> None:
    found = facts("chest_ct")
    classes = ("adenocarcinoma", "large_cell_carcinoma", "normal", "squamous_cell_carcinoma")
    assert found["splits"]["test"] == dict.fromkeys(classes, 4)
    assert found["splits"]["train"] == dict(zip(classes, (8, 9, 7, 9), strict=True))
    assert found["splits"]["validation"] == dict(zip(classes, (3, 3, 2, 3), strict=True))
    assert found["set_aside"] == {"shares a patient or a duplicate with test": 4}
    counts = {"images": 4, "exact_copy": 3, "near_duplicate": 3, "patient": 0, "any": 3}
    assert found["before_repair"]["test"]["normal"] == counts
    assert found["before_repair"]["test"]["adenocarcinoma"]["near_duplicate"] == 1
    assert found["before_repair"]["test"]["adenocarcinoma"]["exact_copy"] == 0
    folders = {row.path.split("/")[2] for row in rows("chest_ct").values() if row.label == "adenocarcinoma"}
    assert folders == {"adenocarcinoma", archives.CHEST_CT_FOLDERS["adenocarcinoma"]}


@pytest.mark.usefixtures("prepared")
def test_brain_mri_counts_its_second_copy_out_and_reads_files_that_are_not_what_their_names_say() -> None:
    found = rows("brain_mri")
    assert {path.split("/")[0] for path in found} == {"yes", "no"}
    assert facts("brain_mri")["classes"] == {"healthy": 19, "tumour": 25}
    assert set(facts("brain_mri")["modes"]) == {"L", "P", "RGB", "RGBA"}
    assert facts("brain_mri")["duplicates"]["exact_groups"] == 2
    assert found["yes/Y99.JPG"].duplicate_of == found["yes/Y2.JPG"].image_id
    assert found["yes/Y99.JPG"].split == found["yes/Y2.JPG"].split
    assert found["no/No11.jpg"].mode == "RGBA"


@pytest.mark.usefixtures("prepared")
def test_leukemia_takes_test_labels_from_the_csv_and_joins_the_numbers_of_one_patient() -> None:
    found = rows("leukemia")
    assert not any("testing_data" in path for path in found)
    tested = {Path(path).name: row for path, row in found.items() if row.split == "test"}
    assert len(tested) == 16
    assert (tested["1.bmp"].label, tested["1.bmp"].group) == ("blast", "UID_57")
    assert (tested["16.bmp"].label, tested["16.bmp"].group) == ("normal", "UID_H73")
    assert {row.group for path, row in found.items() if "UID_20_" in path or "UID_21_" in path} == {"UID_20"}
    assert tested["7.bmp"].group == "UID_51"
    aside = {path for path, row in found.items() if row.status == manifest.SET_ASIDE}
    assert len(aside) == 6
    assert all("UID_51_" in path or "UID_75_" in path for path in aside)
    assert facts("leukemia")["before_repair"]["test"]["blast"]["patient"] == 2
    assert facts("leukemia")["patients"] == 29
    assert facts("leukemia")["duplicates"]["exact_groups"] == 3
    assert {row.fold for row in found.values() if row.split in ("train", "validation")} == {1, 2, 3}
    assert {row.fold for row in found.values() if row.split == "test"} == {0}


@pytest.mark.usefixtures("prepared")
def test_lung_ct_is_split_by_its_published_shares() -> None:
    assert facts("lung_ct")["splits"] == {
        "train": {"cancerous": 18, "non_cancerous": 14},
        "validation": {"cancerous": 5, "non_cancerous": 4},
        "test": {"cancerous": 3, "non_cancerous": 2},
    }


@pytest.mark.usefixtures("prepared")
def test_chest_xray_leaves_junk_out_and_keeps_the_numbering_of_test_apart() -> None:
    found = rows("chest_xray")
    assert len(found) == facts("chest_xray")["used"] == 60
    assert all(path.count("chest_xray/") == 1 and "._" not in path for path in found)
    assert facts("chest_xray")["classes"] == {"normal": 28, "pneumonia": 32}
    assert facts("chest_xray")["patients"] == 44
    assert found["chest_xray/train/PNEUMONIA/person1_bacteria_2.jpeg"].group == "person1"
    assert found["chest_xray/train/PNEUMONIA/person1_virus_3.jpeg"].group == "person1"
    assert found["chest_xray/test/PNEUMONIA/person1_virus_6.jpeg"].group == "test/person1"
    assert set(facts("chest_xray")["modes"]) == {"CMYK", "L", "RGB"}


@pytest.mark.slow
@pytest.mark.usefixtures("prepared")
def test_every_study_is_trained_and_evaluated_on_its_test_images() -> None:
    weights.main("tiny")
    for study in STUDIES:
        train.main(study, "tiny")
        ensemble.main(study)
        evaluate.main(study)
        predicted = (paths.predictions(study) / "tiny.csv").read_text().splitlines()
        names = whole.load().study(study).labels.class_names
        assert predicted[0] == ",".join(["image_id", "split", "label", *(f"p_{name}" for name in names)])
        used = manifest.used(paths.manifest(study))["image_id"].tolist()
        assert [line.split(",")[0] for line in predicted[1:]] == used
        tested = sum(facts(study)["splits"]["test"].values())
        accuracy = files.read_json(paths.metrics("evaluate", study, "tiny"))["accuracy"]
        assert accuracy * tested == pytest.approx(round(accuracy * tested), abs=1e-3)


@pytest.mark.parametrize(
    ("study", "used", "leaking", "aside"),
    [("chest_ct", 64, 4, 4), ("leukemia", 88, 20, 6), ("brain_mri", 44, 0, 0)],
)
def test_a_split_kept_as_published_keeps_every_image_and_says_loudly_what_leaks(
    study: str, used: int, leaking: int, aside: int, capsys: pytest.CaptureFixture[str]
) -> None:
    STUDIES[study](Path(f"{study}.zip"))
    project(Path(), **{f"studies__{study}__split__on_leak": "keep"})
    download.main(study)
    split.main(study)
    kept = facts(study)
    assert (kept["used"], kept["on_leak"], kept["leak"]["this_split"]) == (used, "keep", leaking)
    assert (f"WARNING: {leaking} HELD-OUT IMAGES LEAK" in capsys.readouterr().out) == (leaking > 0)
    project(Path(), **{f"studies__{study}__split__on_leak": "drop_from_train"})
    split.main(study)
    assert "WARNING" not in capsys.readouterr().out
    dropped = facts(study)
    assert dropped["before_repair"] == kept["before_repair"]
    assert dropped["used"] == used - aside
    assert dropped["splits"]["test"] == kept["splits"]["test"]


@pytest.mark.parametrize(
    "folders",
    [
        ("cancerous", "non-cancerous"),
        ("Cancer", "Non_Cancer"),
        ("Cancerous", "Noncancerous"),
        ("CANCEROUS", "NON-CANCEROUS"),
    ],
)
def test_lung_ct_finds_its_classes_in_other_spellings(folders: tuple[str, str]) -> None:
    archives.lung_ct(Path("lung_ct.zip"), folders)
    project(Path())
    download.main("lung_ct")
    split.main("lung_ct")
    assert facts("lung_ct")["classes"] == {"cancerous": 26, "non_cancerous": 20}


@pytest.mark.parametrize(
    ("study", "key", "value", "message"),
    [
        (
            "brain_mri",
            "labels.classes",
            {"yes": "tumour"},
            r"studies\.brain_mri\.labels\.classes: one class only \(tumour\)",
        ),
        (
            "leukemia",
            "labels.aliases",
            {"UID_99": "UID_11"},
            r"studies\.leukemia\.labels\.aliases\.UID_99: no image is of patient",
        ),
        (
            "leukemia",
            "labels.aliases",
            {"UID_75": "UID_51", "UID_51": "UID_20"},
            r"studies\.leukemia\.labels\.aliases: UID_75 stands for UID_51, which is an alias itself",
        ),
        ("brain_mri", "labels.aliases", {"a": "b"}, r"studies\.brain_mri\.labels: .*aliases need group"),
        (
            "leukemia",
            "labels.exclude",
            [],
            r"studies\.leukemia\.labels\.csv: .* lists 1\.bmp, which could be .*testing_data",
        ),
        (
            "chest_xray",
            "labels.group",
            r"(patient\d+)",
            r"studies\.chest_xray\.labels\.group: .* matches no path, such as chest_xray",
        ),
        ("lung_ct", "split.folds", 20, r"studies\.lung_ct\.split\.folds: class 'non_cancerous' has 18 images"),
    ],
)
def test_a_mistake_in_a_study_is_one_line_that_names_its_key(study: str, key: str, value: Any, message: str) -> None:
    STUDIES[study](Path(f"{study}.zip"))
    project(Path())
    download.main(study)
    project(Path(), **{f"studies__{study}__{key}": value})
    with pytest.raises(MedcnnError, match=message) as caught:
        split.main(study)
    assert "\n" not in str(caught.value)
    assert not paths.manifest(study).exists()


@pytest.mark.parametrize("study", STUDIES)
def test_the_archives_are_the_same_bytes_every_time(study: str) -> None:
    one, other = (STUDIES[study](Path(f"{name}.zip")) for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
