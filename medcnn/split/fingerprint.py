"""The fingerprint of an image set: what it holds, what is wrong with it, what a careless split would have leaked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from string import hexdigits
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from medcnn.core import tables
from medcnn.dataset import doubts, truths
from medcnn.dataset.manifest import PARTS, SPLITS, USED
from medcnn.grouping import leaks
from medcnn.grouping.relatives import Relatives, joined, same
from medcnn.grouping.transformed import RARE, Transformed
from medcnn.params.splits import OnLeak
from medcnn.split.surveying import Survey


def fingerprint(survey: Survey, on_leak: OnLeak, seed: int) -> dict[str, Any]:
    """Counts of everything that a reader should know before believing a figure; a tree of plain numbers.

    Args:
        survey: what was found.
        on_leak: what became of patients and duplicates on two sides of the split.
        seed: the root of the random splits that it is compared with.
    """
    every, relatives = survey.rows, survey.relatives
    used = (every["status"] == USED).to_numpy()
    rows = every.loc[used, ["label", "split", "width", "height", "mode"]]
    patients = relatives.patients[used]
    return {
        "images": len(every),
        "used": len(rows),
        "set_aside": _counted(every["reason"][~used].str.replace("(?s):.*", "", regex=True)),
        "classes": truths.counted(rows["label"]),
        "groups": len(np.unique(relatives.groups[used])),
        "patients": int(patients[patients != ""].nunique()) or None,
        "without_patient": int((patients == "").sum()),
        "sizes": _sizes(rows),
        "modes": _counted(rows["mode"]),
        "duplicates": _duplicates(relatives),
        "transformed": _transformed(relatives.transformed),
        "corrections": survey.corrections,
        "splits": {split: truths.counted(rows["label"][rows["split"] == split]) for split in SPLITS},
        "on_leak": on_leak,
        "before_repair": _before_repair(survey),
        "leak": _leak(rows, relatives.groups[used], seed),
        "doubts": doubts.as_json(survey.doubts),
        "fingerprint": _digest(every, used),
    }


def duplicates(survey: Survey) -> pd.DataFrame:
    """The images that have exact or near duplicates, and the first image of their set, as ``plots.DUPLICATES``."""
    near, ids = survey.relatives.near, survey.rows["image_id"]
    inside = np.bincount(near, minlength=len(near))[near] > 1
    return pd.DataFrame({"image_id": ids.array[inside], "duplicates": ids.array[near[inside]]})


def _counted(values: pd.Series[str]) -> dict[str, int]:
    return {str(value): int(count) for value, count in values.value_counts().sort_index().items()}


def _sizes(rows: pd.DataFrame) -> dict[str, int]:
    sizes = rows[["width", "height"]]
    return {
        "min_width": int(sizes["width"].min()),
        "max_width": int(sizes["width"].max()),
        "min_height": int(sizes["height"].min()),
        "max_height": int(sizes["height"].max()),
        "distinct": int((~sizes.duplicated()).sum()),
    }


def _duplicates(relatives: Relatives) -> dict[str, int]:
    exact, near = _sets(relatives.exact), _sets(relatives.near)
    return {
        "exact_groups": len(exact),
        "exact_images": int(exact.sum()),
        "near_groups": len(near),
        "near_images": int(near.sum()),
    }


def _transformed(copies: Transformed | None) -> dict[str, Any] | None:
    """How transformed copies were told from strangers, and how many images have one."""
    if copies is None:
        return None
    return {
        "images": len(np.unique(copies.pairs)),
        "threshold": copies.threshold,
        "recall": copies.recall,
        "false_alarms": RARE,
    }


def _sets(members: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Sizes of the sets of two or more."""
    sizes = np.unique(members, return_counts=True)[1]
    return sizes[sizes > 1]


def _before_repair(survey: Survey) -> dict[str, dict[str, dict[str, int]]]:
    """What the split leaks as it was published or drawn image by image, per held-out part and class.

    An image counts where an earlier part (train; for test also validation) holds an exact copy of it, a near
    duplicate (exact copies are among them), another image of its patient, or any of these and of their relatives.
    """
    inside = (survey.published != "").to_numpy()
    relatives = survey.relatives
    parts = _numbered(survey.published[inside])
    patients = joined(len(inside), same(relatives.patients))
    kinds = {"exact_copy": relatives.exact, "near_duplicate": relatives.near, "patient": patients}
    flags = {kind: leaks.leaked(keys[inside], parts) for kind, keys in {**kinds, "any": relatives.groups}.items()}
    table = pd.DataFrame({"label": survey.rows["label"].array[inside], "images": 1, **flags})
    return {
        split: {
            str(label): {kind: int(count) for kind, count in counts.items()}
            for label, counts in table[parts == part].groupby("label").sum().to_dict("index").items()
        }
        for part, split in enumerate(SPLITS)
        if part
    }


def _leak(rows: pd.DataFrame, groups: npt.NDArray[np.int64], seed: int) -> dict[str, float]:
    parts = _numbered(rows["split"])
    held_out = int((parts > 0).sum())
    labels = pd.Categorical(rows["label"]).codes
    by_chance = leaks.leaked_by_chance(groups, labels, held_out / len(rows), seed)
    return {
        "held_out_images": held_out,
        "random_split_images": by_chance * held_out,
        "random_split_fraction": by_chance,
        "this_split": int(leaks.leaked(groups, parts).sum()),
    }


def _numbered(splits: pd.Series[str]) -> npt.NDArray[np.int64]:
    """The part of each image as a number, from 0 for training."""
    return pd.Categorical(splits, dtype=PARTS).codes.astype(np.int64) - 1


def _digest(rows: pd.DataFrame, used: npt.NDArray[np.bool_]) -> str:
    digest = hashlib.sha256()
    for number, line in enumerate(_lines(rows, used)):
        digest.update(f"\n{line}".encode() if number else line.encode())
    return digest.hexdigest()


def _lines(rows: pd.DataFrame, used: npt.NDArray[np.bool_]) -> Iterator[str]:
    """The hash and the class of each used image, sorted; a part of them at a time, as text needs much memory."""
    for digit in hexdigits[:16]:
        some = rows.loc[used & rows["sha256"].str.startswith(digit).to_numpy(), ["sha256", "label"]]
        some = some.iloc[tables.sorted_order(some)]
        yield from (some["sha256"] + " " + some["label"])
