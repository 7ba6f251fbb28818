"""The arguments of ``medcnn log``; importing this loads nothing, so that ``--help`` is instant."""

from __future__ import annotations

import argparse
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command to argparse's sub-commands."""
    log = commands.add_parser(
        "log",
        help="log a study's finished run to MLflow: params, figures, card, page and the chosen model",
        description="Log the results of a study that lie here as one run of an MLflow experiment of its name: params, "
        "the figures of every model, the model card, the page, and the chosen model as ONNX.",
    )
    log.add_argument("store", choices=("mlflow",), help="where to")
    log.add_argument("study", metavar="STUDY", help="a study with results here")
    log.add_argument(
        "--uri", help="of the store (default: MLFLOW_TRACKING_URI of the environment, else sqlite:///mlflow.db)"
    )
    log.set_defaults(command=_log)


def _log(options: argparse.Namespace) -> None:
    from medcnn.tracking import mlflow_store

    print(mlflow_store.log(options.study, options.uri))
