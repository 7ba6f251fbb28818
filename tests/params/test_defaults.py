"""The default blocks of params.yaml are the defaults of the classes, and `-S` reaches every key of every block."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dvc.utils.hydra import apply_overrides
from pydantic_core import PydanticUndefined
from ruamel.yaml import YAML

from medcnn.params import whole
from medcnn.params.encoders import Encoder
from medcnn.params.labels import Csv, Labels
from medcnn.params.shared.base import Block
from medcnn.params.shared.images import Images, Views
from medcnn.params.shared.models import Finetune, Model, Plateau
from medcnn.params.shared.policies import Policy
from medcnn.params.sources import SOURCES
from medcnn.params.splits import AuthorSplit, Duplicates, StratifiedSplit
from medcnn.params.studies import Study
from tests.project import ROOT

TREE: dict[str, Any] = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
KINDS: dict[str, tuple[type[Block], ...]] = {
    "source": SOURCES,
    "csv": (Csv,),
    "labels": (Labels,),
    "split": (StratifiedSplit, AuthorSplit),
    "duplicates": (Duplicates,),
    "images": (Images,),
    "views": (Views,),
    "policy": (Policy,),
    "model": (Model,),
    "encoder": (Encoder,),
    "plateau": (Plateau,),
    "finetune": (Finetune,),
}


def keys(kinds: tuple[type[Block], ...]) -> set[str]:
    return {key for kind in kinds for key in kind.model_fields}


def default(kinds: tuple[type[Block], ...], key: str) -> Any:
    """The default of the first kind that has the key, as YAML writes it; None where it must be given, or is empty."""
    info = next(kind.model_fields[key] for kind in kinds if key in kind.model_fields)
    value = info.get_default(call_default_factory=True)
    if value is PydanticUndefined or value == {}:
        return None
    if isinstance(value, Block):
        return value.model_dump()
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", KINDS)
def test_a_default_block_states_the_defaults_of_its_class(name: str) -> None:
    assert TREE["defaults"][name] == {key: default(KINDS[name], key) for key in TREE["defaults"][name]}


def test_there_is_a_default_block_for_each_kind_of_block() -> None:
    assert set(TREE["defaults"]) == set(KINDS)


def blocks() -> dict[str, tuple[dict[str, Any], tuple[type[Block], ...]]]:
    """Every block of every study, policy and model, by its key path, with its classes."""
    found: dict[str, tuple[dict[str, Any], tuple[type[Block], ...]]] = {}
    for name, study in TREE["studies"].items():
        at = f"studies.{name}"
        found[at] = (study, (Study,))
        for key in ("source", "labels", "split", "images"):
            found[f"{at}.{key}"] = (study[key], KINDS[key])
        found[f"{at}.labels.csv"] = (study["labels"]["csv"], KINDS["csv"])
        found[f"{at}.split.duplicates"] = (study["split"]["duplicates"], KINDS["duplicates"])
        found[f"{at}.images.views"] = (study["images"]["views"], KINDS["views"])
    found |= {f"encoders.{name}": (encoder, KINDS["encoder"]) for name, encoder in TREE["encoders"].items()}
    found |= {f"augment.{name}": (policy, KINDS["policy"]) for name, policy in TREE["augment"].items()}
    for name, model in TREE["models"].items():
        found[f"models.{name}"] = (model, KINDS["model"])
        found |= {f"models.{name}.{key}": (model[key], KINDS[key]) for key in ("plateau", "finetune")}
    return found


@pytest.mark.parametrize("path", blocks())
def test_every_key_of_every_block_is_there_for_dvc_to_set(path: str) -> None:
    """`-S` sets only keys that are there, merged ones included."""
    block, kinds = blocks()[path]
    assert set(block) == keys(kinds)


def test_no_block_is_taken_over_whole() -> None:
    """Two places that share a block would be set together by `-S`, or rather not at all."""
    mappings = [id(block) for block, _ in blocks().values()]
    assert len(mappings) == len(set(mappings))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("models.vgg19.epochs=3", {"models.vgg19.epochs"}),
        ("models.vgg19_augmented.dropout=0.1", {"models.vgg19_augmented.dropout"}),
        ("models.simple.plateau.patience=2", {"models.simple.plateau.patience"}),
        ("models.lite0.finetune.epochs=2", {"models.lite0.finetune.epochs"}),
        ("studies.phantom.split.duplicates.hamming=4", {"studies.phantom.split.duplicates.hamming"}),
        ("studies.phantom.images.views.policy=mirror", {"studies.phantom.images.views.policy"}),
        ("studies.phantom.labels.csv.image=name", {"studies.phantom.labels.csv.image"}),
        ("studies.lung_ct.source.path=a.zip", {"studies.lung_ct.source.path"}),
        ("studies.leukemia.labels.aliases.UID_21=UID_1", {"studies.leukemia.labels.aliases.UID_21"}),
        ("augment.mirror.zoom=0.5", {"augment.mirror.zoom"}),
    ],
)
def test_dvc_sets_one_key_and_no_other(tmp_path: Path, change: str, expected: set[str]) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes((ROOT / "params.yaml").read_bytes())
    apply_overrides(path, [change])
    before, after = (leaves(YAML(typ="safe", pure=True).load(file)) for file in (ROOT / "params.yaml", path))
    assert {key for key in before | after if before.get(key) != after.get(key)} == expected
    whole.load(path)


def leaves(tree: Any, at: str = "") -> dict[str, Any]:
    if not isinstance(tree, dict):
        return {at: tree}
    return {
        path: value for key, inner in tree.items() for path, value in leaves(inner, f"{at}.{key}".strip(".")).items()
    }
