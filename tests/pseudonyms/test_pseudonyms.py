from __future__ import annotations

import stat
from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.pseudonyms import pseudonyms
from medcnn.pseudonyms.pseudonyms import Pseudonyms
from medcnn.runtime import paths

ONE, OTHER = Pseudonyms(b"1" * 32), Pseudonyms(b"2" * 32)


def test_a_pseudonym_is_stable_and_hangs_on_the_key():
    assert ONE.of("Doe_Jane.png") == ONE.of("Doe_Jane.png") != OTHER.of("Doe_Jane.png")
    assert len({ONE.of(name) for name in ("Doe_Jane.png", "Doe_John.png", "\udcff.png", "")}) == 4


def test_the_project_keeps_its_key_to_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    made = pseudonyms.of_project()
    assert pseudonyms.of_project() == made
    assert stat.S_IMODE(paths.pseudonyms().stat().st_mode) == 0o600
    assert [path.name for path in paths.pseudonyms().parent.iterdir()] == [paths.pseudonyms().name]
    experiment = tmp_path / ".dvc" / "tmp" / "exps" / "copy"
    experiment.mkdir(parents=True)
    monkeypatch.chdir(experiment)
    assert pseudonyms.of_project() == made


def test_a_key_that_was_cut_short_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    pseudonyms.of_project()
    paths.pseudonyms().write_bytes(b"short")
    with pytest.raises(MedcnnError, match=paths.pseudonyms().name):
        pseudonyms.of_project()


@pytest.mark.parametrize(
    "text",
    [
        "40 flat images",
        "an accuracy of 0.90 would be known to about 0.1",
        "'healthy' images: check labels.group or split.on_leak",
    ],
)
def test_a_sentence_without_names_stays(text: str):
    assert ONE.within(text, {}, ["healthy"]) == text


@pytest.mark.parametrize(
    "text",
    [
        "copies in yes/doe.png, see",
        "'Doe, Jane.jpeg' is in two parts",
        "C:\\scans\\doe is empty",
        "such as in/Doe Jane Mary.png: look",
        "patient 'doe' has most",
        "all of Doe Jane are one",
    ],
)
def test_names_are_taken_out_of_a_sentence(text: str):
    said = ONE.within(text, {"in/Doe Jane Mary.png": "file", "Doe Jane": "patient"})
    assert not {"doe", "jane", "mary"} & set(said.lower().replace(".", " ").replace("/", " ").split())
    assert ONE.within(said, {}) == said, "a second time changes nothing"
