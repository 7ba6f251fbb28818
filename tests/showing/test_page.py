"""``medcnn open`` and ``medcnn report``."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.runtime import paths
from medcnn.showing.page import opened
from tests.project import run
from tests.report.example import example


def test_the_page_is_opened_and_its_address_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[str] = []
    monkeypatch.setattr(webbrowser, "open", asked.append)
    with pytest.raises(MedcnnError, match=str(paths.REPORT)):
        opened()
    paths.REPORT.parent.mkdir(parents=True)
    paths.REPORT.touch()
    opened()
    assert asked == [paths.REPORT.resolve().as_uri()]
    assert capsys.readouterr().out.split() == asked


def test_the_page_of_a_study_is_drawn_of_the_models_that_have_results(tmp_path: Path) -> None:
    made = example(tmp_path).evaluate()
    params = tmp_path / paths.PARAMS
    trained = params.read_text()
    params.write_text(trained.replace("  models:\n  - simple\n", "  models:\n  - tiny\n", 1))
    before = params.read_bytes()
    done = run(tmp_path, "medcnn", "report", made.study)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / paths.REPORT).resolve().as_uri() in done.stdout
    assert params.read_bytes() == before
    assert made.path(paths.metrics("train", made.study, "simple")).exists()
    done = run(tmp_path, "medcnn", "report", "phantmo")
    assert (done.returncode, done.stderr.count("\n"), "'phantom'" in done.stderr) == (2, 1, True)
