"""The labels of a study that are probably wrong, for a terminal, and as a file for somebody to fill in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from medcnn.core import tables
from medcnn.core.errors import MedcnnError, ParamsError
from medcnn.params import whole
from medcnn.results.base import read
from medcnn.results.suspects import SUSPECTS, Suspects
from medcnn.runtime import paths

SHOWN = 20


def lines(study: str, csv: Path | None) -> Iterator[str]:
    """How many labels are suspect, the first of them, and where the whole list is.

    Args:
        study: whose stage ``suspects`` has run.
        csv: gets the whole list, its first columns ``path`` and an empty ``label``: the form of ``labels.corrections``.

    Raises:
        ParamsError: there is no such study.
        MedcnnError: the stage has not run here, or the file exists.
    """
    settings = whole.load()
    if study not in settings.studies:
        raise ParamsError(f"params.yaml: no study '{study}': choose from {', '.join(settings.studies)}")
    found, rows = read(paths.metrics("suspects", study), Suspects), tables.read(paths.suspects(study), SUSPECTS)
    yield f"{study}: {found.listed} labels of {found.images} of {found.of} images are suspect, by {found.model}"
    if found.estimated_high is not None:
        yield (
            f"  {found.likely} are rather wrong than right; of all labels {found.estimated:.1%} are wrong by estimate "
            f"({found.estimated_low:.1%} to {found.estimated_high:.1%})"
        )
    if found.how == "held_out":
        yield "  training images are not among them: set run.fold_ensembles, or more folds in run.folds"
    width = max(map(len, ("label", "suggested", *rows["label"])))
    if len(rows):
        yield f"  {'wrong':>5} {'margin':>6}  {'label':<{width}}  {'suggested':<{width}}  image"
    for row in rows.iloc[:SHOWN].itertuples():
        yield f"  {row.chance:4.0%}  {row.margin:+.3f}  {row.label:<{width}}  {row.suggested:<{width}}  {row.path}"
    if len(rows) > SHOWN:
        yield f"  and {len(rows) - SHOWN} more, which --csv FILE lists"
    if csv is not None:
        _write(csv, rows)
        yield (
            f"{csv}: fill in `label` with the right class, or drop, where you are sure; leave the rest empty, then set "
            f"studies.{study}.labels.corrections={csv.as_posix()}"
        )


def _write(csv: Path, rows: pd.DataFrame) -> None:
    if csv.exists():
        raise MedcnnError(f"{csv} exists and may hold your verdicts; name another file, or move it away")
    renamed = rows.drop(columns="image_id").rename(columns={"label": "given"})
    renamed.insert(1, "label", "")
    tables.write(csv, renamed)
