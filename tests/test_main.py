from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from medcnn.__main__ import main
from medcnn.params import whole
from medcnn.published import studies
from medcnn.published.rerun import assignments
from tests.project import ROOT, run, shrink

DVC = """
import sys, time
from pathlib import Path
from ruamel.yaml import YAML
tree = YAML(typ="safe").load(Path("params.yaml"))
tree["run"]["models"] = ["vgg16"]
YAML(typ="safe").dump(tree, Path("params.yaml"))
with Path("calls").open("a") as calls:
    print("dvc", *sys.argv[1:], file=calls)
if "models.vgg16.epochs=99" in sys.argv:
    sys.exit(255)
if "models.vgg16.epochs=60" in sys.argv:
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        print("dvc interrupted")
        sys.exit(255)
"""
STAGE = """
from pathlib import Path
from ruamel.yaml import YAML
with Path("calls").open("a") as calls:
    print("stage", *YAML(typ="safe").load(Path("params.yaml"))["run"]["models"], file=calls)
"""


@pytest.fixture
def standing_in(tmp_path: Path) -> Path:
    """A project whose `dvc` and stages only say that they were called; real ones take minutes."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    for name, code in (("dvc/__main__", DVC), ("stages/published", STAGE), ("stages/report", STAGE)):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(code)
    return tmp_path


def untouched(folder: Path) -> bool:
    return (folder / "params.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    return tmp_path


def test_study_prints_flags_that_make_a_run_of_exactly_its_models(folder: Path):
    done = run(folder, "medcnn", "study", "chest_ct", "-S", "models.chest_cnn.epochs=3")
    assert done.stdout == (
        "-S run.studies=[chest_ct] -S run.models=[resnet50_maxpool,chest_cnn] "
        "-S run.chains.first=[resnet50_maxpool] -S run.fold_ensembles=[] -S run.distil=[] "
        "-S run.chains.second=[relay] -S run.cascades.first=[] -S run.stress=[] -S run.learning_curve=[] "
        "-S models.chest_cnn.epochs=3\n"
    )


@pytest.mark.parametrize("study", ["chest_ct", "brain_mri", "leukemia", "lung_ct", "chest_xray"])
def test_the_flags_of_every_study_are_params_that_load(study: str, tmp_path: Path, settings: whole.Params):
    changes = dict(change.split("=", 1) for change in assignments(study, settings))
    others = {"run.stress": ["simple"], "run.learning_curve": ["deep"]}
    shrink(tmp_path, {**others, **{key: YAML(typ="safe").load(value) for key, value in changes.items()}})
    run_block = whole.load(tmp_path / "params.yaml").run
    assert run_block.studies == (study,)
    assert set(run_block.trained) == set(studies.load()[study].networks)
    assert not run_block.cascaded


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ("brain", "params.yaml: studies: unknown 'brain'; did you mean 'brain_mri'? choose from phantom, chest_ct, "),
        ("phantom", "phantom: no models of it were published; choose from chest_ct, brain_mri, "),
    ],
)
def test_a_study_that_was_not_published_is_one_line_and_exit_code_2(study: str, message: str, folder: Path):
    done = run(folder, "medcnn", "study", study)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"error: {message}")


def test_a_study_without_an_honest_split_is_not_run(tmp_path: Path):
    shrink(tmp_path, {"studies.brain_mri.split.on_leak": "keep"})
    before = (tmp_path / "params.yaml").read_bytes()
    done = run(tmp_path, "medcnn", "study", "brain_mri", "--run")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "studies.brain_mri.split.on_leak: 'keep' is the split as published" in done.stderr
    assert (tmp_path / "params.yaml").read_bytes() == before


def test_check_finds_a_mistake_anywhere_and_nothing_to_say_of_the_real_file(folder: Path):
    assert run(folder, "medcnn", "check").returncode == 0
    shrink(folder, {"models.vgg19.epochs": 0})
    done = run(folder, "medcnn", "check")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "models.vgg19.epochs" in done.stderr


def test_help_lists_the_commands(folder: Path):
    printed = run(folder, "medcnn", "--help").stdout
    assert all(f"\n    {command} " in printed for command in ("check", "repro", "study", "predict", "review", "gate"))
    bare = run(folder, "medcnn")
    assert (bare.returncode, bare.stdout) == (0, printed)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("rnu", "run"),
        ("predcit", "predict"),
        ("run phantom --preset quikc", "quick"),
        ("run phantom --modles simple", "--models"),
        ("run phantom --models simpel", "simple"),
        ("run phantom -S models.simple.learning_rat=1", "learning_rate"),
        ("run phantom -S modles.simple.epochs=1", "models"),
        ("run phantmo", "phantom"),
        ("show brain_mir", "brain_mri"),
        ("check leukaemia", "leukemia"),
        ("study chest_xrya", "chest_xray"),
        ("predict phantmo docs/report.png", "phantom"),
        ("repro trian", "train"),
        ("repro train@phantom-simpel", "train@phantom-simple"),
    ],
)
def test_what_is_mistyped_names_the_closest_in_one_line(
    typed: str, meant: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        main(typed.split())
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n")) == (2, 1)
    assert re.search(rf"did you mean '?{meant}'?\?", said)


@pytest.mark.parametrize("content", [b"", b"[1]", b"\xff\xfe"])
def test_a_file_without_keys_is_one_line(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "params.yaml").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["check"])
    printed = capsys.readouterr().err
    assert (ended.value.code, printed.count("\n"), "no keys" in printed) == (2, 1, True)


def test_both_splits_are_run_the_honest_one_last_and_the_params_put_back(standing_in: Path):
    done = run(standing_in, "medcnn", "study", "brain_mri", "--run", "-S", "run.models=[vgg16]")
    assert done.returncode == 0, done.stderr
    calls = (standing_in / "calls").read_text().splitlines()
    assert calls[1::3] == calls[2::3] == ["stage vgg16"] * 3
    assert calls[0].endswith("-S run.learning_curve=[] -S studies.brain_mri.split.on_leak=regroup")
    for call, on_leak in zip(calls[3::3], ("keep", "regroup"), strict=True):
        assert call.startswith("dvc exp run -S run.studies=[brain_mri] -S run.models=[resnet50v2,")
        assert call.endswith(f"-S run.models=[vgg16] -S studies.brain_mri.split.on_leak={on_leak}")
    assert untouched(standing_in)


def test_a_run_that_fails_is_the_last_and_the_params_are_put_back(standing_in: Path):
    done = run(standing_in, "medcnn", "study", "brain_mri", "--run", "-S", "models.vgg16.epochs=99")
    assert done.returncode == 1
    assert done.stderr == "error: `dvc exp run` ended with 255, for the reason above; params.yaml is as it was\n"
    assert len((standing_in / "calls").read_text().splitlines()) == 1
    assert untouched(standing_in)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_reaches_dvc_and_the_params_are_put_back(sent: signal.Signals, standing_in: Path):
    command = [sys.executable, "-m", "medcnn", "study", "brain_mri", "--run", "-S", "models.vgg16.epochs=60"]
    child = subprocess.Popen(
        command,
        cwd=standing_in,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (standing_in / "calls").exists() or not (standing_in / "calls").read_text():
        assert child.poll() is None
        time.sleep(0.05)
    child.send_signal(sent)
    printed, errors = child.communicate(timeout=30)
    assert (child.returncode, errors) == (128 + sent, "interrupted: run the same command again to go on\n")
    assert "dvc interrupted" in printed
    assert untouched(standing_in)
