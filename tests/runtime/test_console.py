from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError, ParamsError
from medcnn.runtime.console import run_stage
from tests.project import ROOT


def raising(error: BaseException) -> Callable[..., None]:
    def main(study: str) -> None:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (MedcnnError("no images"), 1, "error: no images\n"),
        (ParamsError("seed: unknown key"), 2, "error: seed: unknown key\n"),
        (OSError(28, "No space left on device", "data/x"), 1, "error: No space left on device: data/x\n"),
        (KeyboardInterrupt(), 130, "interrupted: run the same command again to go on\n"),
    ],
)
def test_a_users_fault_is_one_line_and_an_exit_code(
    error: BaseException, code: int, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["split", "phantom"])
    with pytest.raises(SystemExit) as caught:
        run_stage(raising(error), "study")
    assert caught.value.code == code
    assert capsys.readouterr().err == message


STAGE = """
import sys, time
from medcnn.core import files
from medcnn.runtime.console import run_stage

def main():
    with files.replacing(files.Path("out.bin")) as path:
        path.write_bytes(b"half")
        print("begun", flush=True)
        try:
            time.sleep(60)
        except BaseException as error:
            raise RuntimeError("made of it by a library") from error

if __name__ == "__main__":
    if "import" in FILE:
        print("begun", flush=True)
        time.sleep(60)
    run_stage(main)
"""
INTERRUPTED = "interrupted: run the same command again to go on\n"


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("when", ["import", "main"])
def test_a_signal_ends_a_stage_in_one_line_and_leaves_no_partial_file(
    sent: signal.Signals, when: str, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "stages", tmp_path / "stages", ignore=shutil.ignore_patterns("[a-z]*"))
    (tmp_path / "stages/slow.py").write_text(STAGE.replace("FILE", repr(when)))
    stage = subprocess.Popen(
        [sys.executable, "-m", "stages.slow"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert stage.stdout is not None
    assert stage.stdout.readline() == "begun\n"
    stage.send_signal(sent)
    assert stage.communicate(timeout=30)[1] == INTERRUPTED
    assert stage.returncode == 128 + sent
    assert not list(tmp_path.glob("*out*"))


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["split", "phantom"])
    with pytest.raises(ZeroDivisionError):
        run_stage(raising(ZeroDivisionError()), "study")


def test_wrong_arguments_show_the_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/somewhere/stages/train.py", "phantom"])
    with pytest.raises(SystemExit, match=r"usage: python -m stages\.train STUDY MODEL"):
        run_stage(raising(ZeroDivisionError()), "study", "model")


def test_an_interrupt_that_a_destructor_swallowed_still_ends_the_stage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Swallowing:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    def main() -> None:
        del [Swallowing()][0]

    monkeypatch.setattr("sys.argv", ["split"])
    monkeypatch.setattr("sys.unraisablehook", lambda _: None)
    with pytest.raises(SystemExit) as caught:
        run_stage(main)
    assert caught.value.code == 130
    assert capsys.readouterr().err == "interrupted: run the same command again to go on\n"
