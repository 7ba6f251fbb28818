"""The committed results are records of their kind, and what is not such a record is one clear line."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.results import base
from medcnn.results.compared import Compared
from medcnn.results.data import Download, Split
from medcnn.results.ensembles import Combined
from medcnn.results.evaluated import Evaluated
from medcnn.results.networks import Exported, Gallery, Trained

METRICS = Path(__file__).parents[2] / "metrics"
KINDS: dict[str, Any] = {
    "download": Download,
    "split": Split,
    "ensemble": Combined,
    "evaluate": dict[str, Evaluated],
    "comparisons": Compared,
    "explain": Gallery,
    "export_ensembles": dict[str, Exported],
}
EVALUATED = files.read_json(METRICS / "evaluate/phantom.json")


@pytest.mark.parametrize("stage", KINDS)
def test_what_a_run_wrote_is_read_whole(stage: str) -> None:
    path = METRICS / stage / "phantom.json"
    found = TypeAdapter(KINDS[stage]).dump_python(base.read(path, KINDS[stage]), exclude_unset=True)
    assert files.rounded(found) == files.read_json(path)


@pytest.mark.parametrize(("stage", "kind"), [("train", Trained), ("export", Exported)])
def test_what_was_written_of_single_models_is_read_whole(stage: str, kind: type[base.Record]) -> None:
    for path in (METRICS / stage / "phantom").glob("*.json"):
        assert files.rounded(base.read(path, kind).model_dump(exclude_unset=True)) == files.read_json(path)


def broken(tmp_path: Path, change: Any) -> str:
    tree = copy.deepcopy(EVALUATED)
    change(tree["deep"])
    path = tmp_path / "phantom.json"
    files.write_json(path, tree)
    with pytest.raises(MedcnnError) as caught:
        base.read(path, dict[str, Evaluated])
    message = str(caught.value)
    assert message.startswith(f"{path}: deep")
    assert message.endswith("run `dvc repro` to make it again")
    return message


def test_a_missing_figure_is_named(tmp_path: Path) -> None:
    message = broken(tmp_path, lambda block: [block["test"].pop("auroc_low"), block["test"].pop("brier")])
    assert "deep.test" in message
    assert "auroc_low, brier" in message


def test_an_unknown_figure_is_named(tmp_path: Path) -> None:
    assert "luck" in broken(tmp_path, lambda block: block["train"].update(luck=0.5))


def test_a_missing_and_an_unknown_block_are_named(tmp_path: Path) -> None:
    assert "deep.conformal" in broken(tmp_path, lambda block: block.pop("conformal"))
    assert "deep.extra" in broken(tmp_path, lambda block: block.update(extra=1))


def test_a_word_in_place_of_a_figure_is_named(tmp_path: Path) -> None:
    assert "deep.test.accuracy" in broken(tmp_path, lambda block: block["test"].update(accuracy="high"))


def test_figures_by_patient_are_all_there_or_none(tmp_path: Path) -> None:
    assert "patient_accuracy" in broken(tmp_path, lambda block: block["test"].pop("patient_accuracy"))
    tree = copy.deepcopy(EVALUATED["deep"])
    for part in ("validation", "test"):
        tree[part] = {key: value for key, value in tree[part].items() if not key.startswith("patient")}
    assert Evaluated.model_validate(tree).test.get("patient_accuracy") is None


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MedcnnError, match=r"gone\.json not found; run `dvc repro`"):
        base.read(tmp_path / "gone.json", Split)
    assert base.read_if_made(tmp_path / "gone.json", Split) is None


def test_nothing_is_written_that_could_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "phantom.json"
    with pytest.raises(ValidationError):
        base.write(path, Combined, {"combiners": {}, "chosen": None, "cascades": {}})
    assert not path.exists()
    base.write(path, Combined, {"combiners": {}, "chosen": None, "cascades": {}, "macs": {"a": 1}})
    assert base.read(path, Combined).macs == {"a": 1}
