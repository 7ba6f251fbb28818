"""Commands that change params.yaml write nothing where there is no project."""

from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.__main__ import main


@pytest.mark.parametrize(
    "command", [["run", "phantom"], ["leak", "phantom"], ["search", "phantom", "simple"], ["report"]]
)
def test_a_folder_that_is_no_project_stays_empty(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(command)
    assert stopped.value.code == 2 and "params.yaml not found" in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]
