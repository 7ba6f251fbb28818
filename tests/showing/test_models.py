from pathlib import Path

import pytest

from medcnn.core.errors import MedcnnError, ParamsError
from medcnn.showing.models import shown
from tests.report.example import Example, example


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Example:
    return example(tmp_path_factory.mktemp("shown")).evaluate()


def test_one_row_per_model_the_chosen_one_first(made: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made.folder)
    _, _, chosen, *others = shown(None)
    assert chosen.startswith("* ")
    assert {line[2:].split()[0] for line in (chosen, *others)} == set(made.models)


def test_a_study_that_is_unknown_or_has_no_results_is_one_line(made: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made.folder)
    with pytest.raises(ParamsError, match="did you mean 'phantom'"):
        list(shown("phantmo"))
    with pytest.raises(MedcnnError, match=str(Path("metrics/evaluate/brain_mri.json"))):
        list(shown("brain_mri"))
