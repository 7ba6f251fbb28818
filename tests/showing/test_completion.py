"""The completion script in a real bash."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from medcnn.__main__ import main
from tests.project import ROOT

TAB = """
source /dev/stdin <<< "$SCRIPT"
COMP_WORDS=("$@" "$WORD"); COMP_CWORD=$#
_shtab_medcnn medcnn "$WORD" "${@: -1}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize(
    ("line", "word", "found"),
    [
        ("medcnn", "ru", {"run"}),
        ("medcnn run", "brain", {"brain_mri"}),
        ("medcnn show", "leuk", {"leukemia"}),
        ("medcnn run phantom --models", "resnet50v", {"resnet50v2", "resnet50v2_augmented"}),
        ("medcnn run phantom --preset", "", {"quick", "good", "best"}),
        ("medcnn run phantom", "--mod", {"--models"}),
    ],
)
def test_bash_completes_commands_studies_models_and_flags(
    line: str, word: str, found: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["completion", "bash"])
    environment = {"SCRIPT": capsys.readouterr().out, "WORD": word, "PATH": "/usr/bin:/bin"}
    command = ["bash", "--norc", "-c", TAB, "bash", *line.split()]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == found


@pytest.mark.parametrize("shell", ["zsh", "fish", "tcsh"])
def test_other_shells_have_a_script_that_reads_the_studies(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["completion", shell])
    assert "studies:" in capsys.readouterr().out


def test_outside_a_project_there_is_nothing_to_complete_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["completion", "bash"])
    environment = {"SCRIPT": capsys.readouterr().out, "WORD": "ph", "PATH": "/usr/bin:/bin"}
    command = ["bash", "--norc", "-c", TAB, "bash", "medcnn", "run"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("", "")
