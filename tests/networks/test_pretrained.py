from __future__ import annotations

from pathlib import Path

import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.networks import pretrained
from medcnn.params.catalogue import catalogue
from medcnn.params.shared.scaling import PREPROCESSING
from medcnn.weights import storing
from tests.networks.blocks import settings


@pytest.mark.parametrize("backbone", ["simple", "relay", "VGG16", "MobileNetV2"])
def test_the_weights_stage_notes_the_backbones_preprocessing(backbone: str, tmp_path: Path) -> None:
    storing.write("mine", settings(backbone), {}, tmp_path)
    expected = PREPROCESSING[catalogue().backbones[backbone].preprocessing]
    assert pretrained.preprocessing(tmp_path) == expected


@pytest.mark.parametrize("note", [None, {"weights": "none"}, {"preprocessing": "of another version"}])
def test_without_the_note_one_line_says_what_to_run(note: dict[str, str] | None, tmp_path: Path) -> None:
    if note:
        files.write_json(tmp_path / "mine" / "weights.json", note)
    with pytest.raises(MedcnnError, match=r"weights\.json .*`dvc repro weights@mine`"):
        pretrained.preprocessing(tmp_path / "mine")


def test_training_knows_nothing_of_the_table() -> None:
    """A new row retrains nothing: what trains neither reads the table nor lists it among its dependencies."""
    code = (Path(pretrained.__file__).parents[1] / folder for folder in ("train", "networks", "dataset"))
    assert not [path for folder in code for path in folder.glob("*.py") if "catalogue" in path.read_text("utf-8")]
