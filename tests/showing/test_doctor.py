import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from medcnn.showing import doctor
from tests.project import ROOT, shrink

Usage = namedtuple("Usage", "total used free")


def states() -> dict[str, str]:
    return {finding.what: finding.state for finding in doctor.findings()}


def test_a_folder_that_is_no_project_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    assert (states()["params"], states()["project"]) == ("fail", "fail")
    shrink(tmp_path, {})
    assert states()["params"] == "ok"
    shrink(tmp_path, {"models.vgg19.epochs": 0})
    assert states()["params"] == "fail"


def test_a_full_disk_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10, 10, 0))
    assert states()["disk"] == "fail"


def test_a_token_is_seen_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("KAGGLE_API_TOKEN", "a secret")
    assert states()["Kaggle"] == "ok"
    assert not any("a secret" in str(finding) for finding in doctor.findings())
