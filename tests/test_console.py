from __future__ import annotations

from collections.abc import Callable

import pytest

from medcnn.console import MedcnnError, ParamsError, run_stage


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


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["split", "phantom"])
    with pytest.raises(ZeroDivisionError):
        run_stage(raising(ZeroDivisionError()), "study")


def test_wrong_arguments_show_the_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/somewhere/stages/train.py", "phantom"])
    with pytest.raises(SystemExit, match=r"usage: python -m stages\.train STUDY MODEL"):
        run_stage(raising(ZeroDivisionError()), "study", "model")
