"""What the test on an external study leaves behind: predictions, the record, and a few flat figures of each model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medcnn.core import files
from medcnn.dataset import predictions
from medcnn.external.scoring import Scored
from medcnn.params.judging.figures import BOUNDS, FIGURES
from medcnn.results import base as results
from medcnn.results.external import External
from medcnn.runtime import paths

_RATES = ("sensitivity", "specificity")


def record(study: str, external: str, found: Scored) -> None:
    """Write everything; files of models that are not among these are removed."""
    folder, headlines = paths.external(study, external), paths.metrics("external", study, external).with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    headlines.mkdir(parents=True, exist_ok=True)
    files.keep_only(folder, found.tables)
    files.keep_only(headlines, found.record["models"])
    for model, table in found.tables.items():
        predictions.write(folder / f"{model}.csv", table)
    results.write(paths.metrics("external", study, external), External, found.record)
    for model, block in found.record["models"].items():
        files.write_json(headlines / f"{model}.json", headline(block))


def headline(block: Mapping[str, Any]) -> dict[str, Any]:
    """The flat figures of one model that ``dvc metrics show`` prints.

    With one operating point, that of the positive class of two, also what its threshold reaches.
    """
    figures, changed = block["external"]["figures"], block["change"]["accuracy"]
    shown = (figure for figure in FIGURES if figure.headline and figure.key in figures)
    flat = {key: figures[key] for figure in shown for key in figure.keys}
    flat |= {"accuracy_change": changed["difference"]}
    flat |= {f"accuracy_change_{bound}": changed[bound] for bound in BOUNDS}
    if sets := block["external"]["conformal"]:
        flat["coverage"] = sets["coverage"]
    for way in ("for_shares", "recalibrated"):
        if block[way]:
            flat[f"cross_entropy_{way}"] = block[way]["figures"]["cross_entropy"]
    points = list(block["external"]["operating_points"].values())
    return flat | ({key: points[0][key] for key in _RATES} if len(points) == 1 else {})
