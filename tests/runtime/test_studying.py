"""Commands that change params.yaml write nothing where there is no project."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from medcnn.__main__ import main

COMMANDS = (
    "run phantom",
    "run phantom --live",
    "leak phantom",
    "search phantom simple",
    "report",
    "log mlflow phantom",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_is_no_project_stays_empty(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for extra in ("optuna", "dvclive", "mlflow"):
        monkeypatch.setitem(sys.modules, extra, None)
    with pytest.raises(SystemExit) as stopped:
        main(command.split())
    assert stopped.value.code == 2 and "params.yaml not found" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]
