"""`make published`, from the metrics on disk to the document."""

from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core import files
from medcnn.published import document
from medcnn.published.table import read
from medcnn.runtime import paths
from tests.project import ROOT, run
from tests.published.example import lock, measure, project, publish

STUDY = "brain_mri"
NONE = document.NONE
TABLE = paths.metrics("published", STUDY)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(project(tmp_path))
    return tmp_path


def cells(column: str) -> dict[str, float | str]:
    """A column of the table on disk: the accuracy of each model, or why there is none."""
    table = files.read_json(TABLE)
    rows = {row["ours"]: row[column] for row in table["rows"] + table["also_measured"]}
    return {model: cell.get("accuracy", cell.get("missing")) for model, cell in rows.items()}


def line(model: str) -> list[str]:
    """The row of a model in the document, cell by cell."""
    (found,) = (text for text in paths.PUBLISHED.read_text().splitlines() if f"`{model}`" in text)
    return [cell.strip() for cell in found.split("|")[1:-1]]


def test_without_any_run_all_is_as_published_and_nothing_is_filled_in(folder: Path):
    publish(folder)
    assert set(cells("honest").values()) == set(cells("as_published").values()) == {"no data on this machine"}
    empty = ("no data on this machine", NONE)
    assert line("vgg16") == ["vgg16", "`vgg16`", "0.82", "0.5964", *empty, *empty, NONE, NONE, "1, 2, 5, 6"]
    headings = [text for text in paths.PUBLISHED.read_text().splitlines() if text.startswith("## ")]
    assert [text.split()[1] for text in headings] == ["chest_ct:", "brain_mri:", "leukemia:", "lung_ct:", "chest_xray:"]


def test_the_recipe_elsewhere_is_listed_though_no_study_here(folder: Path):
    publish(folder)
    text = paths.PUBLISHED.read_text()
    for accuracy in ("0.8958", "0.9762", "0.9185"):
        assert f"| {NONE} | {accuracy} | {NONE} | other images, no study here |" in text


def test_each_run_fills_its_own_column(folder: Path):
    measure(folder, STUDY, "keep", {"vgg16": 0.9, "lite0": 0.7})
    publish(folder)
    measure(folder, STUDY, "regroup", {"vgg16": 0.8, "simple": 0.6})
    assert "brain_mri: honest: 2 models; as_published: 2 models" in publish(folder)
    assert line("vgg16")[4:] == ["0.8000 (51)", "0.2000", "0.9000 (51)", "0.1000", "-0.0200", "-0.3964", "1, 2, 5, 6"]
    assert line("lite0")[:8] == ["also measured", "`lite0`", NONE, NONE, "not run", NONE, "0.7000 (51)", "0.3000"]
    assert cells("honest")["vgg19"] == "no ImageNet weights on this machine"
    assert cells("honest")["simple"] == 0.6
    table = files.read_json(TABLE)
    assert (table["honest"]["on_leak"], table["as_published"]["on_leak"]) == ("regroup", "keep")
    assert table["honest"]["test_images"] == 51


def test_a_column_is_always_of_one_run(folder: Path):
    measure(folder, STUDY, "regroup", {"vgg16": 0.8})
    publish(folder)
    measure(folder, STUDY, "regroup", {"lite0": 0.7})
    publish(folder)
    assert cells("honest")["vgg16"] != 0.8
    assert cells("honest")["lite0"] == 0.7


def test_the_model_that_is_best_here_has_a_run_and_a_row_of_its_own(folder: Path):
    measure(folder, STUDY, "regroup", {"vgg16": 0.8})
    publish(folder)
    assert files.read_json(TABLE)["best_here"]["honest"] == {"missing": "not run"}
    measure(folder, STUDY, "regroup", {"best_lite0": 0.9})
    publish(folder)
    assert files.read_json(TABLE)["best_here"]["honest"]["accuracy"] == 0.9
    cross = f"| best here | `best_lite0` | {NONE} | {NONE} | 0.9000 (51) | 0.1000 | not published |"
    text = paths.PUBLISHED.read_text()
    assert cross in text
    # It may be of other images than the published models.
    assert text.count("Best here: 51 test images of 151, `on_leak: regroup`, data set `ffffffffffff`.") == 1
    # A run of it alone is no run of the published models.
    assert cells("honest")["vgg16"] == 0.8
    assert "best_lite0" not in cells("honest")


def test_columns_of_different_raw_data_never_stand_side_by_side(folder: Path):
    measure(folder, STUDY, "keep", {"vgg16": 0.9})
    publish(folder)
    measure(folder, STUDY, "regroup", {"vgg16": 0.8}, archive="b" * 64)
    assert "as_published: dropped, for it was measured on other raw data" in publish(folder)
    assert cells("as_published")["vgg16"] == "not run"
    assert files.read_json(TABLE)["as_published"] is None


def test_a_run_that_failed_half_way_is_refused_and_nothing_is_written(folder: Path):
    measure(folder, STUDY, "regroup", {"vgg16": 0.8})
    publish(folder)
    before = TABLE.read_bytes(), paths.PUBLISHED.read_bytes()
    split = paths.metrics("split", STUDY)
    files.write_json(split, {**files.read_json(split), "on_leak": "keep"})
    done = run(folder, "stages.published")
    assert (done.returncode, done.stderr) == (
        1,
        f"error: metrics/evaluate/{STUDY}.json is not of the run that made metrics/split/{STUDY}.json; "
        f"run `dvc repro` for {STUDY} again\n",
    )
    assert (TABLE.read_bytes(), paths.PUBLISHED.read_bytes()) == before
    lock(folder, STUDY)
    publish(folder)
    assert cells("as_published")["vgg16"] == 0.8


def test_figures_outlive_the_metrics_that_they_came_from(folder: Path):
    measure(folder, STUDY, "regroup", {"vgg16": 0.8})
    publish(folder)
    paths.metrics("evaluate", STUDY).unlink()
    publish(folder)
    assert cells("honest")["vgg16"] == 0.8


def test_same_metrics_same_bytes(folder: Path):
    measure(folder, STUDY, "keep", {"vgg16": 0.9})
    measure(folder, STUDY, "regroup", {"vgg16": 0.8})
    publish(folder)
    before = {path: path.read_bytes() for path in (TABLE, paths.PUBLISHED)}
    publish(folder)
    assert {path: path.read_bytes() for path in before} == before


def test_text_cannot_break_the_grid(folder: Path):
    publish(folder)
    table = read(STUDY)
    assert table is not None
    row = table.rows[0]
    row = row.model_copy(update={"published": row.published.model_copy(update={"model": "a | <b>"})})
    text = document.document([table.model_copy(update={"rows": (row,)})])
    assert "| a \\| &lt;b> |" in text


def test_the_committed_document_is_that_of_the_committed_tables(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    names = [path.stem for path in Path("metrics/published").glob("*.json")]
    order = [text.split()[1].rstrip(":") for text in paths.PUBLISHED.read_text().splitlines() if text.startswith("## ")]
    assert sorted(order) == sorted(names)
    assert paths.PUBLISHED.read_text() == document.document(table for table in map(read, order) if table)
