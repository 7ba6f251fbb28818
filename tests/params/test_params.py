from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from medcnn import params
from medcnn.core.errors import ParamsError
from medcnn.params.models import Model
from medcnn.params.sources import ArchiveSource
from medcnn.params.studies import Study


def load_with(root: Path, folder: Path, old: str, new: str) -> params.Params:
    text = (root / "params.yaml").read_text()
    assert old in text
    changed = folder / "params.yaml"
    changed.write_text(text.replace(old, new, 1))
    return params.load(changed)


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("factor: 0.1", "factr: 0.1", ["models.deep.plateau.factr", "unknown key", "did you mean 'factor'?"]),
        ("seed: 42", "seed: 42\nsede: 1", ["sede", "unknown key", "valid keys: augment"]),
        ("learning_rate: 0.0003", "learning_rate: fast", ["models.simple.learning_rate", "valid number", "'fast'"]),
        ("learning_rate: 0.0003", "learning_rate: -1", ["models.simple.learning_rate", "greater than 0"]),
        ("  - simple\n", "  - simpel\n", ["run.models", "unknown 'simpel'", "choose from simple, deep"]),
        ("  - phantom\n", "  - phantasm\n", ["run.studies", "unknown 'phantasm'", "brain_mri"]),
        (
            "kind: phantom",
            "kind: phantm",
            ["studies.phantom.source", "'phantom', 'folder', 'archive', 'url', 'kaggle'"],
        ),
        ("patients: 100", "patients: 2", ["studies.phantom.source.patients", "greater than or equal to 8"]),
        ("kind: kaggle", "kind: archive", ["studies.chest_ct.source.path", "valid string"]),
        ("validation: 0.15", "validation: 0.9", ["studies.phantom.split", "something to train on"]),
        (
            "    backbone: simple",
            "    backbone: vgg16",
            ["models.simple.backbone", "unknown 'vgg16'", "simple, ", "VGG16"],
        ),
        ("preprocessing: centred", "preprocessing: imagenet", ["models.deep.preprocessing", "unit", "adapted"]),
        ("group: (pat", "group: ((((pat", ["studies.phantom.group", "not a regular expression"]),
        ("positive: tumour", "positive: tumor", ["studies.brain_mri", "one of", "tumour"]),
        ("policy: light", "policy: heavy", ["studies.phantom.views.policy", "unknown 'heavy'", "light, chest_ct"]),
        ("    second:\n    - relay\n", "    second: []\n", ["run.chains", "second is empty", "lite0"]),
        ("    - relay\n", "    - relais\n", ["run.chains.second", "unknown 'relais'", "relay"]),
        ("    first:\n    - simple", "    first:\n    - vgg61", ["run.cascades.first", "unknown 'vgg61'", "vgg16"]),
        ("frozen: false", "frozen: true", ["models.simple", "frozen", "weights=imagenet"]),
        ("image_size: 96", "image_size: 16", ["studies.phantom.image_size", "16 is too small for models.lite0", "32"]),
        ("on_leak: regroup", "on_leak: ignore", ["studies.phantom.split.on_leak", "'keep', 'drop_from_train'"]),
        ("      - first\n", "      - frist\n", ["studies.chest_ct.published", "unknown 'frist'"]),
        ("fit: stretch", "fit: squash", ["studies.phantom.fit", "'stretch', 'pad' or 'crop'"]),
        ("seed: 42", "seed: [", ["not valid YAML"]),
        ("  - simple\n", "  - deep\n", ["run.models", "'deep' is listed twice"]),
        ("  tiny:\n    backbone", "  tiny_chain:\n    backbone", ["models.tiny_chain", "rename it"]),
    ],
)
def test_a_wrong_value_is_one_line_with_its_key_path(
    root: Path, tmp_path: Path, old: str, new: str, parts: list[str]
) -> None:
    with pytest.raises(ParamsError) as caught:
        load_with(root, tmp_path, old, new)
    message = str(caught.value)
    assert "\n" not in message
    for part in parts:
        assert part in message
    assert caught.value.exit_code == 2


def test_a_chain_on_a_model_that_is_not_run_says_what_to_set(root: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ParamsError, match=r"run\.chains\.first: 'lite0' is not in run\.models.*run\.chains\.first=\[\]"
    ):
        load_with(root, tmp_path, "  - lite0\n  chains", "  chains")


def test_switching_the_kind_of_a_source_leaves_the_other_kinds_keys_alone(root: Path, tmp_path: Path) -> None:
    text = (root / "params.yaml").read_text()
    text = text.replace("kind: kaggle", "kind: archive", 1).replace("path:", "path: a.zip", 1)
    (tmp_path / "params.yaml").write_text(text)
    source = params.load(tmp_path / "params.yaml").studies["chest_ct"].source
    assert source == ArchiveSource(kind="archive", path="a.zip")


def test_an_unknown_key_of_a_source_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"studies\.phantom\.source\.colour: unknown key"):
        load_with(root, tmp_path, "kind: phantom", "kind: phantom\n      colour: red")


def test_params_are_read_as_dvc_reads_and_writes_them(root: Path, tmp_path: Path) -> None:
    yaml = YAML()
    tree = yaml.load(root / "params.yaml")
    tree["models"]["simple"]["learning_rate"] = 1e-4
    rewritten = tmp_path / "params.yaml"
    yaml.dump(tree, rewritten)
    changed = params.load(rewritten)
    assert changed.models["simple"].learning_rate == 1e-4
    assert list(changed.studies["brain_mri"].classes) == ["yes", "no"]


def test_the_positive_class_comes_last_of_two(settings: params.Params) -> None:
    assert settings.study("brain_mri").class_names == ("healthy", "tumour")
    assert settings.study("phantom").class_names == ("healthy", "nodule", "spiculated", "ground_glass")


def test_params_are_frozen(settings: params.Params) -> None:
    with pytest.raises(ValidationError):
        settings.seed = 1  # type: ignore[misc]


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="run this from the project's root"):
        params.load(tmp_path / "params.yaml")


def test_every_number_of_every_model_and_study_can_be_set_with_dvc(root: Path) -> None:
    """`-S` sets only keys that stand in params.yaml, so blocks there are written out in full."""
    tree = YAML(typ="safe", pure=True).load(root / "params.yaml")
    for blocks, kind in ((tree["models"], Model), (tree["studies"], Study)):
        assert blocks
        for name, block in blocks.items():
            assert set(block) == set(kind.model_fields), name


def test_a_block_needs_no_more_than_what_has_no_usual_value(root: Path, tmp_path: Path) -> None:
    needed = ("backbone: tiny", "weights: none", "pooling: average", "learning_rate: 0.01", "epochs: 2", "patience: 2")
    block = "".join(f"{line}\n" for line in ("  mine:", *(f"    {key}" for key in needed)))
    loaded = load_with(root, tmp_path, "models:\n  simple:", f"models:\n{block}  simple:")
    assert (loaded.model("mine").optimizer, loaded.model("mine").loss) == ("adam", "cross_entropy")


def test_chains_and_cascades_take_each_first_with_each_second(root: Path, tmp_path: Path) -> None:
    loaded = load_with(root, tmp_path, "    second:\n    - relay", "    second:\n    - relay\n    - simple")
    assert loaded.run.trained[3:] == ("lite0_relay_chain", "lite0_simple_chain")
    assert loaded.run.cascaded == {"simple_lite0_cascade": ("simple", "lite0")}


def test_a_cascade_is_left_out_where_one_of_its_models_is(root: Path, tmp_path: Path) -> None:
    assert not load_with(root, tmp_path, "  - simple\n  - deep\n", "  - deep\n").run.cascaded


def test_published_studies_name_the_models_that_they_were_published_with(settings: params.Params) -> None:
    published = {name: study.published for name, study in settings.studies.items() if study.published}
    assert set(published) == {"chest_ct", "brain_mri", "leukemia", "lung_ct", "chest_xray"}
    assert published["brain_mri"].models[0] == "resnet50v2"
