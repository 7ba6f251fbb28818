from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from PIL import Image

from medcnn.params import whole
from medcnn.report import pictures, provenance


def test_a_large_picture_is_scaled_down(tmp_path: Path):
    Image.effect_noise((4000, 3000), 80).save(tmp_path / "sheet.png")
    uri = pictures.sheet_uri(tmp_path / "sheet.png")
    assert uri.startswith("data:image/jpeg;base64,")
    assert len(uri) < 1_000_000


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    return subprocess.run(
        ("git", *identity, *arguments), cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_a_page_names_its_commit_and_what_differs_from_it_but_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.provenance() is None
    git(tmp_path, "init", "--quiet")
    assert provenance.provenance() is None
    (tmp_path / "params.yaml").write_text("seed: 1\n")
    git(tmp_path, "add", "params.yaml")
    git(tmp_path, "commit", "--quiet", "--message", "A commit")
    assert provenance.provenance() == provenance.Provenance(git(tmp_path, "rev-parse", "HEAD"), ())
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "a.json").write_text("{}")
    (tmp_path / "params.yaml").write_text("seed: 2\n")
    (tmp_path / "new.py").touch()
    made = provenance.provenance()
    assert made is not None
    assert made.changed == ("params.yaml", "new.py")


def test_the_params_of_a_run_leave_out_what_it_does_not_use(settings: whole.Params):
    text = provenance.params_of_run(settings, "phantom")
    assert text.startswith(f"seed: {settings.seed}\nrun:\n")
    assert "\n  lite0: {backbone: lite0" in text
    assert "vgg16" not in text
    assert "chest_ct:" not in text.split("\nstudies:\n", 1)[1]
    assert "null" not in text
