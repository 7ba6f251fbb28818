from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.dataset import part, predictions
from medcnn.ensemble import combined, rules
from medcnn.export.parity import answers
from medcnn.inference import sessions
from medcnn.inference.card import Card
from medcnn.measures import calibration
from medcnn.params import whole
from medcnn.runtime import paths
from stages import ensemble
from tests.export.networks import STUDY, small_network, trained_study
from tests.project import SIZE
from tests.results.examples import trained

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

CASCADE = "simple_deep_cascade"
NETWORKS = ("simple", "deep")
NAMES = ("ensemble_mean", "ensemble_vote", "ensemble_concat_dense", CASCADE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of two networks, exported, of which three ensembles and a cascade are exported too."""
    networks = {name: small_network(4, SIZE, seed=seed) for seed, name in enumerate(NETWORKS)}
    folder = trained_study(
        tmp_path_factory.mktemp("project"),
        networks,
        run__cascades={"first": ["simple"], "second": ["deep"]},
        ensemble__combiners=["mean", "vote", "concat_dense"],
        benchmark__calibration__images=8,
        # Untrained networks tell nothing of what int8 may cost.
        benchmark__max_accuracy_drop=1,
        benchmark__max_cross_entropy_rise=1,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        ensemble.main(STUDY)
        for name in NETWORKS:
            export(name)
        export_combinations()
    return folder


@pytest.fixture
def project(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the study, in which a test may change what it likes."""
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def export(name: str) -> dict[str, Any]:
    from medcnn.export.exporting import export
    from medcnn.networks import saving

    block = export(STUDY, name, saving.load(paths.keras_model(STUDY, name)), whole.load())
    files.write_json(paths.metrics("export", STUDY, name), block)
    return block


def export_combinations() -> dict[str, Any]:
    from medcnn.export import combinations

    blocks = combinations.export(STUDY, whole.load())
    files.write_json(paths.metrics("export_ensembles", STUDY), blocks)
    return blocks


def card(path: Path) -> Card:
    return Card.read(sessions.load(path).get_modelmeta().custom_metadata_map)


def test_a_network_is_written_in_float32_and_int8_with_what_was_fitted(project: Path) -> None:
    block = files.read_json(paths.metrics("export", STUDY, "simple"))
    table = predictions.read(paths.predicted(STUDY, "simple"))
    for path, facts in ((paths.onnx_model, block), (paths.int8_model, block["int8"])):
        read = card(path(STUDY, "simple"))
        assert (read.study, read.model, read.image_size) == (STUDY, "simple", SIZE)
        assert read.class_names == table.classes
        assert read.temperature == calibration.calibrated(table)[0] == block["temperature"]
        assert read.metrics["train"] == trained(macs=1)
        assert read.weights_sha256 == {"simple": files.sha256(paths.keras_model(STUDY, "simple"))}
        assert facts["sha256"] == files.sha256(path(STUDY, "simple"))
    assert block["keras_sha256"] == read.weights_sha256["simple"]
    assert block["parity"]["images"] == len(part.read(STUDY, whole.load().study(STUDY).labels.class_names))
    assert block["parity"]["max_difference"] <= 1e-4
    assert read.precision == block["int8"]["precision"]
    assert block["int8"]["layers"]["int8"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_combination_answers_as_its_members_do(project: Path, name: str) -> None:
    test, made = part.read(STUDY, whole.load().study(STUDY).labels.class_names), combined.read(STUDY, name)
    tables = [predictions.read(paths.predicted(STUDY, member)).of("test") for member in made.members]
    path = paths.onnx_model(STUDY, name)
    read = card(path)
    expected = calibration.scaled(
        made.rule.combine(np.stack([table.probabilities for table in tables])), read.temperature
    )
    np.testing.assert_allclose(answers(sessions.load(path), test), expected, atol=1e-4)
    assert read.temperature == calibration.calibrated(predictions.read(paths.predicted(STUDY, name)))[0]
    assert set(read.weights_sha256) == set(made.members) == set(NETWORKS)
    block = files.read_json(paths.metrics("export_ensembles", STUDY))[name]
    assert block["members"] == list(made.members)
    assert block["sha256"] == files.sha256(path)
    assert block["parity"]["images"] == len(test)
    assert block["int8"]["sha256"] == files.sha256(paths.int8_model(STUDY, name))
    assert card(paths.int8_model(STUDY, name)).precision == block["int8"]["precision"]


def test_a_member_that_spoils_the_combination_is_taken_in_float32(project: Path) -> None:
    spoilt = onnx.load(paths.onnx_model(STUDY, "simple"))
    (last,) = (node for node in spoilt.graph.node if "uncalibrated" in node.output)
    last.op_type = "Hardmax"
    onnx.save(spoilt, paths.int8_model(STUDY, "simple"))
    path = paths.metrics("export", STUDY, "simple")
    facts = files.read_json(path)
    facts["int8"]["validation"]["cross_entropy_rise"] = 0.5
    files.write_json(path, facts)
    text = paths.PARAMS.read_text()
    paths.PARAMS.write_text(text.replace("max_cross_entropy_rise: 1", "max_cross_entropy_rise: 0"))
    record = export_combinations()["ensemble_mean"]["int8"]
    assert record["left_in_float"][0] == "simple"
    assert record["trials"] > 1
    assert record["layers"]["float32"] >= sum(facts["int8"]["layers"].values())
    assert record["precision"] in ("mixed", "float32")


def test_one_model_makes_no_files_and_leaves_none(project: Path) -> None:
    files.write_json(paths.metrics("ensemble", STUDY), {"combiners": {}, "chosen": None, "cascades": {}, "macs": {}})
    assert export_combinations() == {}
    assert list(paths.combined_models(STUDY).iterdir()) == []


def test_combinations_of_other_members_than_recorded_are_not_written(project: Path) -> None:
    shutil.copy(paths.onnx_model(STUDY, "deep"), paths.onnx_model(STUDY, "simple"))
    with pytest.raises(MedcnnError, match="the ONNX model and Keras disagree on"):
        export_combinations()
    assert not list(paths.combined_models(STUDY).rglob("model.onnx"))


def test_a_missing_member_is_named(project: Path) -> None:
    paths.int8_model(STUDY, "deep").unlink()
    with pytest.raises(MedcnnError, match=r"deep/model\.int8\.onnx"):
        export_combinations()


def test_a_weightless_member_is_not_part_of_the_file(project: Path) -> None:
    path = paths.metrics("ensemble", STUDY)
    record = files.read_json(path)
    mean = rules.record(rules.WeightedMean((0.0, 1.0)), NETWORKS)
    record["combiners"] = {"mean": record["combiners"]["mean"] | mean}
    files.write_json(path, {**record, "cascades": {}})
    block = export_combinations()["ensemble_mean"]
    assert block["members"] == ("deep",)
    assert block["bytes"] < files.read_json(paths.metrics("export", STUDY, "deep"))["bytes"] + 10_000
