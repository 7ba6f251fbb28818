"""``medcnn init`` and ``medcnn check`` as a user calls them."""

from __future__ import annotations

import difflib
import io
import json
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kagglesdk import kaggle_env
from ruamel.yaml import YAML

from medcnn.__main__ import main
from medcnn.download.fetching import fetch
from medcnn.download.settings import Settings
from medcnn.params.shared.loading import load
from tests.download.kaggle_server import Kaggle, serve
from tests.init.sets import by_class, picture, written
from tests.project import ROOT

Init = Callable[..., dict[str, Any]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(ROOT / "params.yaml", folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def init(project: Path, capsys: pytest.CaptureFixture[str]) -> Init:
    """Runs ``init --format json`` and returns what it prints."""

    def call(*arguments: object) -> dict[str, Any]:
        main(["init", *map(str, arguments), "--format", "json"])
        printed: dict[str, Any] = json.loads(capsys.readouterr().out)
        return printed

    return call


def study(project: Path, name: str) -> dict[str, Any]:
    block: dict[str, Any] = YAML(typ="safe").load(project / "params.yaml")["studies"][name]
    return block


def found(printed: dict[str, Any], about: str) -> dict[str, Any]:
    return next(finding for finding in printed["findings"] if finding["about"] == about)


def test_a_folder_of_classes_becomes_a_study(init: Init, project: Path):
    printed = init(written(project.parent / "skin", by_class()))
    labels = study(project, "skin")["labels"]
    assert labels["classes"] == {"benign": "benign", "malignant": "malignant"}
    assert labels["positive"] == "malignant"
    assert printed["survey"]["classes"] == {"benign": 30, "malignant": 30}
    assert printed["survey"]["patients"] == 30
    assert printed["units"]["test"] == 6
    assert printed["survey"]["leak"]["this_split"] == 0 < printed["survey"]["leak"]["random_split_fraction"]
    assert printed["accuracy_half_width"] == pytest.approx(0.244, abs=0.001), "Wilson's interval of 6"
    assert printed["test_units_needed"] == 141, "Wilson's interval of 141 reaches 0.05 to either side"


def test_the_file_differs_by_the_added_lines_alone(init: Init, project: Path):
    before = (project / "params.yaml").read_text().splitlines()
    init(written(project.parent / "skin", by_class()))
    after = (project / "params.yaml").read_text().splitlines()
    changes = [line for line in difflib.ndiff(before, after) if line[0] in "+-"]
    assert changes
    assert {line[0] for line in changes} == {"+"}


def test_what_was_written_passes_check_with_the_same_figures(
    init: Init, project: Path, capsys: pytest.CaptureFixture[str]
):
    printed = init(written(project.parent / "skin", by_class()))
    files = sorted(path for path in project.rglob("*") if path.is_file())
    main(["check"])
    capsys.readouterr()
    main(["check", "skin", "--format", "json"])
    assert json.loads(capsys.readouterr().out)["survey"] == printed["survey"]
    assert sorted(path for path in project.rglob("*") if path.is_file()) == files


def test_an_archive_is_read_in_place_and_its_second_copy_left_out(init: Init, project: Path):
    path = project.parent / "brain.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for number in range(40):
            for above in ("", "again/"):
                packed.writestr(f"{above}{('yes', 'no')[number % 2]}/{number}.png", picture(number))
    printed = init(path)
    assert printed["survey"]["images"] == 40
    assert study(project, "brain")["labels"]["exclude"] == ["again/*"]
    assert study(project, "brain")["labels"]["positive"] == "yes"
    assert printed["survey"]["patients"] is None
    assert found(printed, "patients")["value"] == ""


def test_an_existing_study_is_replaced_by_force_alone(init: Init, project: Path):
    folder = written(project.parent / "skin", by_class())
    init(folder)
    once = (project / "params.yaml").read_text()
    with pytest.raises(SystemExit) as ended:
        init(folder)
    assert ended.value.code == 2
    assert (project / "params.yaml").read_text() == once
    init(folder, "--force", "--title", "Another")
    again = (project / "params.yaml").read_text().splitlines()
    changed = [pair for pair in zip(once.splitlines(), again, strict=True) if pair[0] != pair[1]]
    assert [line for _, line in changed] == ["    title: Another"]


def test_a_dry_run_writes_nothing(init: Init, project: Path):
    before = (project / "params.yaml").read_bytes()
    assert not init(written(project.parent / "skin", by_class()), "--dry-run")["written"]
    assert (project / "params.yaml").read_bytes() == before


def test_flags_win_over_what_is_found(init: Init, project: Path):
    folder = written(project.parent / "skin", [*by_class(), "benign/drawing.png"])
    flags = ("--classes", "ben*=harmless,mal*=harmful", "--positive", "harmless", "--no-patients", "--size", "64")
    printed = init(folder, "moles", *flags, "--exclude", "*drawing*")
    block = study(project, "moles")
    assert block["labels"]["classes"] == {"ben*": "harmless", "mal*": "harmful"}
    assert (block["labels"]["positive"], block["labels"]["group"]) == ("harmless", None)
    assert (block["images"]["size"], block["labels"]["exclude"]) == (64, ["*drawing*"])
    assert printed["survey"]["images"] == 60


@pytest.mark.parametrize(
    "flags",
    [
        ("--positive", "sick"),
        ("--group", "(unclosed"),
        ("--group", "nobody"),
        ("--classes", "benign=benign"),
        ("--classes", "benign=benign,absent=absent"),
        ("--split", "author"),
        ("--name", "a-b"),
        ("--size", "7"),
    ],
)
def test_a_wrong_flag_is_one_line_and_writes_nothing(
    flags: tuple[str, ...], project: Path, capsys: pytest.CaptureFixture[str]
):
    before = (project / "params.yaml").read_bytes()
    with pytest.raises(SystemExit) as ended:
        main(["init", str(written(project.parent / "skin", by_class())), *flags])
    assert (ended.value.code, capsys.readouterr().err.count("\n")) == (2, 1)
    assert (project / "params.yaml").read_bytes() == before


@pytest.mark.parametrize("source", ["nowhere", "empty", "text"])
def test_a_source_without_images_is_one_line(source: str, project: Path, capsys: pytest.CaptureFixture[str]):
    (project.parent / "empty").mkdir()
    written(project.parent / "text", [], {"a/notes.txt": b"x"})
    with pytest.raises(SystemExit) as ended:
        main(["init", str(project.parent / source)])
    assert (ended.value.code, capsys.readouterr().err.count("\n")) == (2, 1)


def test_readme_shows_what_init_says(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", str(written(project.parent / "skin", by_class(40, 3), side=128))])
    *said, _ = re.sub(r"in [\d.]+ s", "in 0.4 s", capsys.readouterr().out).splitlines()
    assert "\n".join(said) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_lines_say_nothing_twice(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"{('benign', 'malignant')[number % 2]}/{number}.png" for number in range(40)]
    main(["init", str(written(project.parent / "skin", names))])
    lines = capsys.readouterr().out.splitlines()
    for said in ("run.folds", "patients cannot be excluded", "leaks between patients"):
        assert sum(said in line for line in lines) <= 1


def test_help_loads_nothing_heavy():
    code = "import sys; from medcnn.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted({'numpy', 'pandas', 'pydantic', 'PIL'} & set(sys.modules)))"
    done = subprocess.run([shutil.which("python") or "python", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("source", ["{url}", "kaggle:owner/slug", "kaggle:owner/slug@1"])
def test_a_remote_set_is_brought_once_and_the_pipeline_goes_on_from_it(
    source: str, project: Path, init: Init, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, name in enumerate(by_class()):
            archive.writestr(name, picture(number))
    with serve(Kaggle(packed.getvalue())) as server:
        monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, server.url)
        monkeypatch.setenv("KAGGLE_API_TOKEN", "token")
        init(source.format(url=server.file_url), "skin")
        sent = len(server.downloads)
        fetch(load(Settings).studies["skin"].source, Path("data/raw/skin"))
        assert len(server.downloads) == sent
    assert study(project, "skin")["source"]["kind"] == ("kaggle" if "kaggle" in source else "url")
