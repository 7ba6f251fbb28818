"""Several rows of a label table for one image, such as one for each box that was drawn in it."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from medcnn.core import tables
from medcnn.dataset.doubts import SHOWN, Doubt


def one_each(rows: pd.DataFrame, files: pd.Series[str]) -> tuple[pd.DataFrame, list[Doubt]]:
    """One row per file: rows that agree count once; where they contradict each other, the file has no label.

    Args:
        rows: ``file``, the position of a row's file, and ``value``, ``label``, ``patient``, ``part`` and ``reason``. A
            patient or a part that one row does not know is that of another.
        files: the names of the files.

    Returns:
        The rows by file, in the order of their first rows, and the doubts about them.
    """
    single = rows[~rows["file"].duplicated()].set_index("file")
    again = rows[rows["file"].duplicated(keep=False)]
    if again.empty:
        return single, []
    groups = again.assign(**{name: again[name].replace("", None) for name in ("patient", "part")}).groupby("file")
    known = groups[["patient", "part"]].first().fillna("")
    counts = groups[["label", "patient", "part"]].nunique()
    torn = counts[(counts > 1).any(axis=1)]
    said = _contradictions(again[again["file"].isin(torn.index)])
    single.loc[known.index, ["patient", "part"]] = known
    single.loc[said.index, ["label", "value"]] = ""
    single.loc[said.index, "reason"] = "contradicting rows: " + said
    examples = [f"{files.iloc[int(str(file))]}: {text}" for file, text in said.items()]
    return single.astype(tables.TEXT), _doubts(len(counts) - len(torn), examples)


def _contradictions(rows: pd.DataFrame) -> pd.Series[str]:
    """By file, what its rows say differently."""
    said = {}
    for file, members in rows.groupby("file"):
        found = {name: sorted(set(members[name])) for name in ("label", "patient", "part")}
        known = {name: values if name == "label" else [*filter(None, values)] for name, values in found.items()}
        unlike = {name: values for name, values in known.items() if len(values) > 1}
        said[file] = ", ".join(f"{name} {' and '.join(map(repr, values))}" for name, values in unlike.items())
    return pd.Series(said, dtype=tables.TEXT)


def _doubts(again: int, torn: Sequence[str]) -> list[Doubt]:
    doubts = []
    if torn:
        text = f"{len(torn)} images are set aside, as rows of the label tables contradict each other: {torn[0]}"
        doubts.append(Doubt("warning", "contradicting_rows", text, len(torn), tuple(torn[:SHOWN])))
    if again:
        text = f"{again} images have several rows in the label tables that agree and count once"
        doubts.append(Doubt("note", "repeated_rows", text, again))
    return doubts
