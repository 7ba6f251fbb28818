"""The reporting checklists: numbering, that every answer can be filled in, and that blanks stay blank."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.params.shared.loading import load
from medcnn.report.settings import Settings
from medcnn.reporting import document, items
from medcnn.runtime import paths
from tests.project import shrink
from tests.report.example import Example, example, write_explained, write_external


@pytest.fixture(scope="module", params=["brain_mri", "phantom"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Example:
    return example(tmp_path_factory.mktemp("reporting"), request.param).evaluate()


def written(made: Example, kind: str = "md") -> Path:
    path = made.folder / "docs" / "reporting" / f"study.{kind}"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.folder)
        document.write(made.study, load(Settings), path, kind)
    return path


def rows(text: str) -> dict[tuple[str, str], list[str]]:
    """The cells of every item, by statement and number."""
    found = {}
    for section in text.split("\n## ")[1:]:
        for line in section.splitlines():
            if re.match(r"\| [0-9]", line):
                cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
                found[section.splitlines()[0], cells[0]] = cells
    return found


def test_numbers_are_those_of_the_statements_of_2024():
    tripod, claim, _ = items.checklists()
    numbers = [str(item.number) for item in tripod.items]
    assert len(numbers) == 52, "27 items, of which some have parts"
    assert list(dict.fromkeys(int(number.rstrip("abcdefg")) for number in numbers)) == list(range(1, 28))
    assert [number for number in numbers if number.startswith("18")] == [f"18{part}" for part in "abcdef"]
    assert [item.number for item in claim.items] == list(range(1, 45))


def test_every_answer_is_used_and_every_item_has_one_that_exists():
    named = {item.answer for checklist in items.checklists() for item in checklist.items} - {""}
    assert named == set(items.answers())


def test_answers_are_the_figures_of_the_metrics(made: Example):
    found = rows(written(made).read_text())
    best = files.read_json(made.path(paths.metrics("comparisons", made.study)))["best"]
    test = files.read_json(made.path(paths.metrics("evaluate", made.study)))[best]["test"]
    assert f"Accuracy {test['accuracy']:.4f} [{test['accuracy_low']:.4f}" in found["TRIPOD+AI", "23a"][3]
    assert best in found["CLAIM 2024", "22"][3]
    assert found["CLAIM 2024", "35"][4] == "page: The data, and problems found"


def test_what_only_people_know_is_left_to_them(made: Example):
    found = rows(written(made).read_text())
    for item in (("TRIPOD+AI", "17"), ("TRIPOD+AI", "18a"), ("CLAIM 2024", "18"), ("Data card", "14")):
        assert found[item][3:] == [document.TO_WRITE, ""]
    assert found["CLAIM 2024", "13"][3].endswith(document.TO_ADD)


def test_an_answer_of_a_stage_that_did_not_run_is_a_blank_until_it_did(made: Example):
    before = rows(written(made).read_text())
    assert before["CLAIM 2024", "33"][3] == before["CLAIM 2024", "31"][3] == document.TO_WRITE
    write_external(made)
    write_explained(made)
    after = rows(written(made).read_text())
    assert "elsewhere" in after["CLAIM 2024", "33"][3]
    assert "Occlusion" in after["CLAIM 2024", "31"][3]


def test_word_gets_the_same_items(made: Example):
    docx = pytest.importorskip("docx", reason="python-docx is not installed")
    tables = docx.Document(str(written(made, "docx"))).tables
    assert [len(table.rows) - 1 for table in tables] == [len(checklist.items) for checklist in items.checklists()]


def test_results_of_a_study_that_params_do_not_run_are_found(made: Example, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(made.folder)
    trained = set(load(Settings).run.trained)
    other = {"phantom": "brain_mri", "brain_mri": "phantom"}[made.study]
    shrink(made.folder, {"run.studies": [other], "run.models": ["tiny"], "run.chains.first": [], "run.careless": []})
    settings = document.settings_of(made.study)
    assert settings.run.studies == (made.study,) and set(settings.run.trained) == trained
    document.write(made.study, settings, Path("out.md"), "md")


def test_an_unknown_study_is_one_line(made: Example, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(made.folder)
    with pytest.raises(MedcnnError, match="no study 'nowhere'"):
        document.settings_of("nowhere")
