from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from medcnn import params
from medcnn.console import ParamsError


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
        ("kind: kaggle", "kind: archive", ["studies.brain_mri.source.path", "valid string"]),
        ("validation: 0.15", "validation: 0.9", ["studies.phantom.split", "something to train on"]),
        ("    network: simple", "    network: vgg16", ["models.simple.network", "'simple', 'deep', 'lite0'"]),
        ("group: (pat", "group: ((((pat", ["studies.phantom.group", "not a regular expression"]),
        ("positive: tumour", "positive: tumor", ["studies.brain_mri", "one of", "tumour"]),
        ("policy: light", "policy: heavy", ["studies.phantom.views.policy", "unknown 'heavy'", "light, brain_mri"]),
        ("second: relay", "second: simple", ["chain.second", "must be relay"]),
        ("frozen: false", "frozen: true", ["models.simple.frozen", "weights=imagenet"]),
        ("fit: stretch", "fit: squash", ["studies.phantom.fit", "'stretch', 'pad' or 'crop'"]),
        ("seed: 42", "seed: [", ["not valid YAML"]),
        ("  - simple\n", "  - deep\n", ["run.models", "'deep' is listed twice"]),
        ("  tiny:\n    network", "  tiny_chain:\n    network", ["models.tiny_chain", "rename it"]),
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
    with pytest.raises(ParamsError, match=r"run\.chains: 'lite0' is not in run\.models.*run\.chains=\[\]"):
        load_with(root, tmp_path, "  - lite0\n  chains", "  chains")


def test_switching_the_kind_of_a_source_leaves_the_other_kinds_keys_alone(root: Path, tmp_path: Path) -> None:
    text = (
        (root / "params.yaml")
        .read_text()
        .replace("kind: kaggle", "kind: archive", 1)
        .replace("path:", "path: a.zip", 1)
    )
    (tmp_path / "params.yaml").write_text(text)
    source = params.load(tmp_path / "params.yaml").studies["brain_mri"].source
    assert source == params.ArchiveSource(kind="archive", path="a.zip")


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
