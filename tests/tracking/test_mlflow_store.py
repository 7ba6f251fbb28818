from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from medcnn.core import files
from medcnn.core.errors import MedcnnError, ParamsError
from medcnn.runtime import paths
from medcnn.tracking import mlflow_store
from tests.project import shrink
from tests.results import examples

STUDY, BEST = "phantom", "lite0"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What a finished run leaves, as far as it is logged."""
    folder = shrink(tmp_path_factory.mktemp("finished"), {"run.models": ["deep", BEST]})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        files.write_json(paths.metrics("comparisons", STUDY), examples.compared(BEST, "simple"))
        files.write_json(paths.metrics("split", STUDY), examples.split())
        files.write_json(
            paths.metrics("evaluate", STUDY), {name: examples.evaluated() for name in (BEST, "simple", "ensemble_mean")}
        )
        for model, accuracy in ((BEST, 0.875), ("simple", 0.75)):
            files.write_json(paths.metrics("evaluate", STUDY, model), {"accuracy": accuracy, "auroc": None})
        paths.card(STUDY).parent.mkdir(parents=True)
        paths.card(STUDY).write_text("# Card\n")
        write_model(paths.onnx_model(STUDY, BEST))
        yield folder


def write_model(path: Path) -> None:
    """A file that ONNX takes for a model."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("image", "answer")]
    graph = helper.make_graph([helper.make_node("Identity", ["image"], ["answer"])], "same", ends[:1], ends[1:])
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), path)


def test_a_run_has_params_figures_card_and_the_chosen_model(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed: pip install -r requirements-mlflow.txt")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    mlflow_store.log(STUDY, None)
    [run] = mlflow.search_runs(experiment_names=[STUDY], output_format="list")
    assert run.data.metrics == {f"{BEST}/accuracy": 0.875, "simple/accuracy": 0.75}
    assert run.data.params["models.simple.learning_rate"] == "0.0003"
    assert run.data.tags["medcnn.chosen"] == BEST
    assert mlflow.artifacts.load_text(f"{run.info.artifact_uri}/{STUDY}.md") == "# Card\n"
    assert len(mlflow.onnx.load_model(f"runs:/{run.info.run_id}/model").graph.node) == 1


def test_no_folder_of_this_machine_is_logged_and_no_figure_that_is_not_defined(finished: Path) -> None:
    params = mlflow_store.logged_params(STUDY)
    assert params["seed"] == 42 and f"studies.{STUDY}.images.size" in params
    assert params["run.models"] == [BEST, "simple"] and "models.lite0.epochs" in params
    assert not [key for key in params if key.startswith(f"studies.{STUDY}.source")]
    assert mlflow_store.figures(STUDY, (BEST,)) == {f"{BEST}/accuracy": 0.875}


def test_a_mistake_is_one_line(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ParamsError, match="did you mean 'phantom'"):
        mlflow_store.log("fantom", None)
    (finished / "mlflow.py").write_text("raise ModuleNotFoundError(name='mlflow')")
    monkeypatch.syspath_prepend(finished)
    monkeypatch.delitem(sys.modules, "mlflow", raising=False)
    with pytest.raises(MedcnnError, match=r"requirements-mlflow\.txt"):
        mlflow_store.log(STUDY, None)
