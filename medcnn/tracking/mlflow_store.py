"""One finished run of a study as a run of MLflow."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import onnx

from medcnn.core import files
from medcnn.core.errors import MedcnnError
from medcnn.params import whole
from medcnn.params.shared import loading
from medcnn.results.base import read
from medcnn.results.compared import Compared
from medcnn.results.data import Split
from medcnn.running import selecting
from medcnn.runtime import paths
from medcnn.runtime.version import __version__

DEFAULT = "sqlite:///mlflow.db"
_SHARED = ("seed", "compute", "ensemble", "evaluate")


def log(study: str, uri: str | None) -> str:
    """Log the results of a study; returns one line that says where they are.

    Args:
        study: its name, also that of the experiment.
        uri: of the store; that of the environment's ``MLFLOW_TRACKING_URI`` by default, else ``DEFAULT``.

    Raises:
        ParamsError: there is no such study.
        MedcnnError: MLflow is not installed, the study has no results here, or the store refuses them.
    """
    params = logged_params(study)
    compared = read(paths.metrics("comparisons", study), Compared)
    mlflow = _mlflow()
    with _refusals(mlflow):
        mlflow.set_tracking_uri(uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT)
        mlflow.set_experiment(study)
        with mlflow.start_run(run_name=compared.best) as run:
            mlflow.set_tags(_tags(study, compared.best))
            mlflow.log_params(params)
            mlflow.log_metrics(figures(study, compared.ranking))
            for path in _shown(study):
                mlflow.log_artifact(str(path))
            _log_model(mlflow, study, compared.best)
        return f"{study}: run {run.info.run_id} of experiment '{study}' in {mlflow.get_tracking_uri()}"


def logged_params(study: str) -> dict[str, Any]:
    """What the results depend on, by key path: without the source, which may name folders of this machine.

    Of ``run`` what the results here are of, which ``medcnn run`` does not leave in ``params.yaml``.

    Raises:
        ParamsError: there is no such study.
        MedcnnError: it has no results here.
    """
    covered = selecting.measured(study, whole.load())
    params = loading.read(paths.PARAMS)
    block = {key: value for key, value in params["studies"][study].items() if key != "source"}
    models = {name: params["models"][name] for name in cast("Sequence[str]", covered["run.models"])}
    shared = {key: params[key] for key in _SHARED}
    return {**_flat({**shared, "studies": {study: block}, "models": models}), **covered}


def figures(study: str, models: tuple[str, ...]) -> dict[str, float]:
    """The headline figures of every model, ``MODEL/FIGURE``; those that are not defined are left out."""
    found: dict[str, float] = {}
    for model in models:
        block = files.read_json(paths.metrics("evaluate", study, model))
        found |= {f"{model}/{key}": float(value) for key, value in block.items() if isinstance(value, int | float)}
    return found


def _flat(tree: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in tree.items():
        found |= _flat(value, f"{at}{key}.") if isinstance(value, Mapping) and value else {f"{at}{key}": value}
    return found


def _tags(study: str, best: str) -> dict[str, str]:
    fingerprint = read(paths.metrics("split", study), Split).fingerprint
    return {"medcnn.version": __version__, "medcnn.chosen": best, "medcnn.fingerprint": fingerprint}


def _shown(study: str) -> list[Any]:
    wanted = (paths.card(study), paths.checklist(study), paths.metrics("evaluate", study), paths.REPORT)
    return [path for path in wanted if path.exists()]


def _log_model(mlflow: Any, study: str, best: str) -> None:
    """Log the exported file of a model; without it the figures alone are logged."""
    path = paths.onnx_model(study, best)
    if path.exists():
        # Named, as MLflow would otherwise run the model in a process of its own to find out.
        needs = ["onnxruntime", "numpy"]
        mlflow.onnx.log_model(onnx.load(path), name="model", pip_requirements=needs)


def _mlflow() -> Any:
    # MLflow sends usage statistics unless told not to.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        import mlflow
        import mlflow.onnx
    except ModuleNotFoundError as error:
        raise MedcnnError(
            f"log: {error.name} is not installed; run `pip install -r requirements-mlflow.txt` in this environment"
        ) from error
    return mlflow


@contextmanager
def _refusals(mlflow: Any) -> Iterator[None]:
    try:
        yield
    except mlflow.exceptions.MlflowException as error:
        raise MedcnnError(f"log: MLflow refused: {str(error).splitlines()[0]}") from error
