"""A human's verdicts on labels: other classes for some images, and images that are to be dropped."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from medcnn.core import tables
from medcnn.core.errors import MedcnnError
from medcnn.dataset import truths
from medcnn.params.labels import Labels
from medcnn.params.shared.classes import NO_FINDING, Findings

DROP = "drop"
DROPPED = "dropped by labels.corrections"


def corrected(listed: pd.DataFrame, labels: Labels, where: str) -> pd.DataFrame:
    """The rows of pictures with the labels that ``labels.corrections`` gives them, those to be dropped with a reason.

    Args:
        listed: path, label and reason of every picture.
        labels: name the file, if there is one.
        where: the key path of the study, for messages.

    Raises:
        MedcnnError: there is no such file, or it names a picture that is not there, one twice, or an unknown class.
    """
    if labels.corrections is None:
        return listed
    verdicts = _read(Path(labels.corrections), labels, f"{where}.labels.corrections: {labels.corrections}")
    places = tables.positions(verdicts["path"], listed["path"])
    if (places < 0).any():
        stranger = verdicts["path"].iloc[int((places < 0).argmax())]
        raise MedcnnError(
            f"{where}.labels.corrections: {labels.corrections} names {stranger}, which is no image of the study; paths "
            f"are those of data/splits, such as {listed['path'].iloc[0]}"
        )
    given = pd.Series(verdicts["label"].array, index=places).reindex(range(len(listed))).fillna("")
    drop, move = (given == DROP).to_numpy(), ((given != "") & (given != DROP)).to_numpy()
    return listed.assign(
        label=listed["label"].mask(move, given.array), reason=listed["reason"].mask(move, "").mask(drop, DROPPED)
    )


def facts(before: pd.DataFrame, after: pd.DataFrame) -> dict[str, Any] | None:
    """What ``results.data.Corrections`` holds; None where nothing was corrected.

    Args:
        before: label and reason of every picture as the data says.
        after: the same corrected.
    """
    dropped, moved = after["reason"] == DROPPED, before["label"] != after["label"]
    if not (dropped | moved).any():
        return None
    moves = Counter(zip(before["label"][moved].tolist(), after["label"][moved].tolist(), strict=True))
    return {
        "relabelled": int(moved.sum()),
        "dropped": int(dropped.sum()),
        "moves": {f"{old or 'no class'} to {new}": count for (old, new), count in sorted(moves.items())},
        "before": truths.counted(before["label"][before["reason"] == ""]),
        "after": truths.counted(after["label"][after["reason"] == ""]),
    }


def _read(path: Path, labels: Labels, where: str) -> pd.DataFrame:
    """Path and label of every verdict; rows whose label is empty are none."""
    try:
        table = tables.parse(path.read_bytes())
    except OSError as error:
        raise MedcnnError(f"{where}: no such file; `medcnn suspects STUDY --csv FILE` writes one to fill in") from error
    except ValueError as error:
        raise MedcnnError(f"{where} cannot be read: {error}") from error
    if not {"path", "label"} <= set(table.columns):
        raise MedcnnError(f"{where} has the columns {', '.join(table.columns)}; it needs path and label")
    table = table.assign(label=table["label"].str.strip())[["path", "label"]]
    table = table[table["label"] != ""].reset_index(drop=True)
    tables.check_unique(table["path"], f"{where}, path")
    classes = Findings(labels.class_names) if labels.multi_label else labels.class_names
    wrong = truths.unknown(truths.coded(table["label"], classes)) & (table["label"] != DROP).to_numpy()
    if wrong.any():
        row = table.iloc[int(wrong.argmax())]
        choices = (*labels.class_names, *([NO_FINDING] if labels.multi_label else []), DROP)
        raise MedcnnError(f"{where}: '{row['label']}' of {row['path']} is no class; choose from {', '.join(choices)}")
    return table
