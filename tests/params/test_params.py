from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from medcnn.core.errors import ParamsError
from medcnn.params import whole
from medcnn.params.sources import ArchiveSource
from tests.project import shrink


def load_with(folder: Path, changes: dict[str, Any]) -> whole.Params:
    return whole.load(shrink(folder, changes) / "params.yaml")


def test_portable_bytes_are_not_promised_in_bfloat16(tmp_path: Path) -> None:
    assert load_with(tmp_path, {"compute.bytes": "portable"}).compute.portable
    with pytest.raises(ParamsError, match=r"compute: .*portable needs precision float32"):
        load_with(tmp_path, {"compute.bytes": "portable", "compute.precision": "bfloat16"})


def test_portable_bytes_are_not_promised_of_an_encoder(tmp_path: Path) -> None:
    encoder = {"models.tiny.backbone": "onnx", "models.tiny.weights": "mine.onnx", "models.tiny.frozen": True}
    with pytest.raises(ParamsError, match=r"compute\.bytes: .*models\.tiny"):
        load_with(tmp_path, {"compute.bytes": "portable", "run.models": ["tiny", "lite0", "simple"], **encoder})


@pytest.mark.parametrize(
    ("path", "value", "parts"),
    [
        ("models.deep.plateau", {"factr": 0.1}, ["models.deep.plateau.factr", "unknown key", "'factor'"]),
        ("models.simple.learning_rate", "fast", ["models.simple.learning_rate", "'fast'"]),
        ("models.simple.learning_rate", -1, ["models.simple.learning_rate", "greater than 0"]),
        ("models.simple.backbone", "vgg16", ["models.simple.backbone", "'vgg16'", "simple, ", "VGG16"]),
        ("models.deep.preprocessing", "imagenet", ["models.deep.preprocessing", "unit", "adapted"]),
        ("models.simple.augment", "heavy", ["models.simple.augment", "'heavy'", "study, light, chest_ct"]),
        ("models.simple.frozen", True, ["models.simple", "frozen", "weights=imagenet"]),
        ("models.simple.finetune.epochs", 3, ["models.simple", "finetune", "frozen=true"]),
        ("models.simple.weights", "imagenet", ["models.simple.weights", "ImageNet", "VGG16"]),
        ("models.simple.head", "probe", ["models.simple", "head", "frozen=true"]),
        ("models.probe_lite0.dense", [8], ["models.probe_lite0", "head", "dense=[]"]),
        ("models.vgg16.features", "stages", ["models.vgg16", "features", "pooling=average"]),
        ("models.vgg16.backbone", "MobileNetV2", ["models.vgg16.weights", "MobileNetV2", "ResNet50"]),
        ("run.models", "simple", ["run.models", "[simple]"]),
        ("run.models", ["simpel"], ["run.models", "'simpel'", "choose from", "simple"]),
        ("run.models", ["deep", "deep"], ["run.models", "'deep' is listed twice"]),
        ("run.studies", ["phantasm"], ["run.studies", "'phantasm'", "brain_mri"]),
        ("run.folds", [0, 9], ["run.folds", "9", "0, 1, 2, 3, 4", "studies.phantom.split.folds"]),
        ("run.external", ["phantasm"], ["run.external", "'phantasm'", "brain_mri"]),
        ("run.external", ["phantom"], ["run.external", "'phantom' is in run.studies", "second experiment"]),
        ("run.external", ["brain_mri"], ["run.external", "nodule", "tumour", "studies.brain_mri.labels.classes"]),
        ("run.fold_ensembles", ["vgg16"], ["run.fold_ensembles", "'vgg16'", "simple, deep, lite0"]),
        ("run.cascades.second", ["lite0_folds"], ["run.cascades.second", "'lite0_folds'"]),
        ("models.simple.tta", "crops", ["models.simple.tta", "'none', 'flips' or 'views'"]),
        ("run.stress", ["vgg16"], ["run.stress", "'vgg16'", "lite0_relay_chain"]),
        ("run.chains.second", [], ["run.chains", "second is empty", "lite0"]),
        ("run.chains.second", ["relais"], ["run.chains.second", "'relais'", "relay"]),
        ("run.cascades.first", ["vgg61"], ["run.cascades.first", "'vgg61'", "vgg16"]),
        ("run.cascades.first", ["lite0"], ["run.cascades", "'lite0'"]),
        ("studies.phantom.source.kind", "phantm", ["studies.phantom.source", "'phantom', 'folder', 'archive'"]),
        ("studies.phantom.source.patients", 2, ["studies.phantom.source.patients", "8"]),
        ("studies.chest_ct.source.kind", "archive", ["studies.chest_ct.source.path", "valid string"]),
        ("studies.phantom.split.validation", 0.9, ["studies.phantom.split", "something to train on"]),
        ("studies.phantom.split.on_leak", "ignore", ["studies.phantom.split.on_leak", "'keep', 'drop_from_train'"]),
        ("studies.phantom.labels.group", "((((", ["studies.phantom.labels.group", "not a regular expression"]),
        ("studies.brain_mri.labels.positive", "tumor", ["studies.brain_mri.labels", "tumour"]),
        ("studies.phantom.labels.classes", {"a": "b"}, ["studies.phantom.labels.classes", "one class only (b)"]),
        ("studies.phantom.labels.subgroups", {"sex": []}, ["studies.phantom.labels", "csv.file is empty"]),
        ("studies.brain_mri.labels.aliases", {"a": "b"}, ["studies.brain_mri.labels", "aliases need group"]),
        ("studies.phantom.images.size", 16, ["studies.phantom.images.size", "models.lite0", "32"]),
        ("studies.phantom.images.fit", "squash", ["studies.phantom.images.fit", "'stretch', 'pad' or 'crop'"]),
        (
            "studies.phantom.images.views.policy",
            "heavy",
            ["studies.phantom.images.views.policy", "'heavy'", "light, chest_ct"],
        ),
        ("evaluate.gate.floors", {"mse": 1}, ["evaluate.gate.floors", "mse"]),
    ],
)
def test_a_wrong_value_is_one_line_with_its_key_path(tmp_path: Path, path: str, value: Any, parts: list[str]) -> None:
    with pytest.raises(ParamsError) as caught:
        load_with(tmp_path, {path: value})
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("seed: 42", "seed: 42\nsede: 1", ["sede", "unknown key", "valid keys: augment"]),
        ("seed: 42", "seed: [", ["not valid YAML"]),
        ("  tiny:\n", "  tiny_chain:\n", ["models.tiny_chain", "rename it"]),
        ("kind: phantom", "kind: phantom, colour: red", ["studies.phantom.source.colour", "unknown key"]),
        ("size: 96", "sise: 96", ["studies.phantom.images.sise", "unknown key", "'size'"]),
    ],
)
def test_a_wrong_key_is_one_line_with_its_key_path(
    root: Path, tmp_path: Path, old: str, new: str, parts: list[str]
) -> None:
    text = (root / "params.yaml").read_text()
    assert old in text
    (tmp_path / "params.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(ParamsError) as caught:
        whole.load(tmp_path / "params.yaml")
    assert all(part in str(caught.value) for part in parts), str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_chain_on_a_model_that_is_not_run_says_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"run\.chains\.first: 'lite0' .*run\.models.*run\.chains\.first=\[\]"):
        load_with(tmp_path, {"run.models": ["simple", "deep"]})


def test_switching_the_kind_of_a_source_leaves_the_other_kinds_keys_alone(tmp_path: Path) -> None:
    changes = {"studies.chest_ct.source.kind": "archive", "studies.chest_ct.source.path": "a.zip"}
    source = load_with(tmp_path, changes).studies["chest_ct"].source
    assert source == ArchiveSource(kind="archive", path="a.zip")


def test_switching_the_kind_of_a_split_leaves_the_other_kinds_keys_alone(tmp_path: Path) -> None:
    split = load_with(
        tmp_path, {"studies.leukemia.split.kind": "stratified", "studies.leukemia.split.test": 0.1}
    ).study("leukemia")
    assert (split.split.kind, split.split.validation, split.split.folds) == ("stratified", 0.25, 3)


def test_params_are_read_as_dvc_reads_and_writes_them(tmp_path: Path) -> None:
    changed = load_with(tmp_path, {"models.simple.learning_rate": 1e-4})
    assert changed.models["simple"].learning_rate == 1e-4
    assert list(changed.studies["brain_mri"].labels.classes) == ["yes", "no"]


def test_the_positive_class_comes_last_of_two(settings: whole.Params) -> None:
    assert settings.study("brain_mri").labels.class_names == ("healthy", "tumour")
    assert settings.study("phantom").labels.class_names == ("healthy", "nodule", "spiculated", "ground_glass")


def test_params_are_frozen(settings: whole.Params) -> None:
    with pytest.raises(ValidationError):
        settings.seed = 1  # type: ignore[misc]


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="run this from the project's root"):
        whole.load(tmp_path / "params.yaml")


def test_a_model_needs_no_more_than_a_backbone(root: Path, tmp_path: Path) -> None:
    text = (root / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text.replace("\nmodels:\n", "\nmodels:\n  mine:\n    backbone: tiny\n", 1))
    mine = whole.load(tmp_path / "params.yaml").model("mine")
    assert (mine.optimizer, mine.loss, mine.plateau.patience, mine.finetune.epochs) == (
        "adam",
        "cross_entropy",
        None,
        0,
    )


def test_chains_and_cascades_take_each_first_with_each_second(tmp_path: Path) -> None:
    run = load_with(tmp_path, {"run.chains.second": ["relay", "simple"]}).run
    assert run.trained[3:] == ("lite0_relay_chain", "lite0_simple_chain")
    assert run.cascaded == {"simple_lite0_cascade": ("simple", "lite0")}


def test_a_cascade_is_left_out_where_one_of_its_models_is(tmp_path: Path) -> None:
    assert not load_with(tmp_path, {"run.models": ["deep", "lite0"]}).run.cascaded
