"""What is doubtful about a split: patients unknown, parts of other sizes than asked for, labels that contradict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from medcnn.core.arrays import Integers
from medcnn.dataset import truths
from medcnn.dataset.doubts import SHOWN, Doubt
from medcnn.dataset.manifest import SPLITS, USED
from medcnn.grouping.relatives import Relatives
from medcnn.measures.statistics.intervals import wilson
from medcnn.params.splits import Split, StratifiedSplit
from medcnn.split.settings import Study

FAR_OFF = 0.2
"""The share of what was asked for by which a part may be larger or smaller."""
FEW_GROUPS = 30
"""Groups in test below which an accuracy is known too coarsely to compare models."""


def of_split(rows: pd.DataFrame, relatives: Relatives, study: Study) -> Iterator[Doubt]:
    """The doubts about images that were dealt to parts.

    Args:
        rows: the manifest's rows.
        relatives: of each row.
        study: how they were dealt.
    """
    used = (rows["status"] == USED).to_numpy()
    yield from _set_aside(rows.loc[~used, ["path", "reason"]], len(rows))
    images = rows.loc[used, ["path", "label", "split", "group"]].reset_index(drop=True)
    images["patient"] = relatives.patients[used].array
    yield from _patients_unknown(images)
    yield from _large_group(images, study.split)
    if isinstance(study.split, StratifiedSplit) and study.split.on_leak != "drop_from_train":
        yield from _shares_missed(images, study.split, study.labels.class_names)
    yield from _small_test(images)
    yield from _near_copies_of_two_classes(images, relatives.near[used])


def _set_aside(rows: pd.DataFrame, total: int) -> Iterator[Doubt]:
    """What is lost to labels that contradict each other, and to the patterns of an author's split."""
    torn = rows[rows["reason"].str.startswith("identical image").to_numpy(bool)]
    if len(torn):
        text = (
            f"{len(torn)} of {total} images have an identical copy under another label, such as "
            f"{torn['path'].iloc[0]}: all of them are set aside; correct their labels or exclude them"
        )
        yield Doubt("warning", "copies_of_two_classes", text, len(torn), _some(torn["path"]))
    placeless = rows["path"][rows["reason"].str.startswith("in no part").to_numpy(bool)]
    if len(placeless):
        text = (
            f"{len(placeless)} of {total} images are in no part of the author's split, such as {placeless.iloc[0]}, "
            "and set aside; fix the patterns of split, or exclude what is no image of the study"
        )
        yield Doubt("warning", "images_in_no_part", text, len(placeless), _some(placeless))


def _patients_unknown(images: pd.DataFrame) -> Iterator[Doubt]:
    unknown = images["path"][images["patient"] == ""]
    if len(unknown):
        text = (
            f"patients unknown for {len(unknown)} of {len(images)} images, such as {unknown.iloc[0]}: leaks between "
            "patients cannot be excluded; name the patients with labels.group, csv.group or dicom_group"
        )
        yield Doubt("warning", "patients_unknown", text, len(unknown), _some(unknown))


def _large_group(images: pd.DataFrame, split: Split) -> Iterator[Doubt]:
    """A group that fits into no held-out part: it is always in training, and its class may be with it."""
    name, members = _largest_group(images)
    held_out = max(split.validation, split.test) if isinstance(split, StratifiedSplit) else 0.5
    if len(members) > max(held_out * len(images), 1):
        text = (
            f"{name} has {len(members)} of {len(images)} images ({len(members) / len(images):.0%}), all on one side of "
            "the split; check labels.group, or split.duplicates where the images only look alike"
        )
        yield Doubt("warning", "large_group", text, len(members), _some(members["path"]))


def _shares_missed(images: pd.DataFrame, split: StratifiedSplit, classes: Sequence[str]) -> Iterator[Doubt]:
    """Parts that hold much less or more of the images, or of a class, than was asked for."""
    shares = (1 - split.validation - split.test, split.validation, split.test)
    of_classes = {f"'{name}' images": images["split"][truths.having(images["label"], name)] for name in classes}
    missed = [
        f"{part} holds {count} of {len(parts)} {what}, {count / len(parts):.0%} where {share:.0%} was asked for"
        for what, parts in {"images": images["split"], **of_classes}.items()
        for part, share in zip(SPLITS, shares, strict=True)
        if _far_off(count := int((parts == part).sum()), share * len(parts))
    ]
    if missed:
        name, members = _largest_group(images)
        others = f" (and {len(missed) - 1} more such shares)" if len(missed) > 1 else ""
        text = (
            f"{missed[0]}{others}: patients and sets of duplicates are dealt whole, and the largest, {name}, has "
            f"{len(members)} images; check labels.group, or ask for other shares"
        )
        yield Doubt("warning", "shares_missed", text, len(missed), tuple(missed[:SHOWN]))


def _largest_group(images: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """What it is called, and its images."""
    group = images["group"].value_counts().index[0]
    members = images[images["group"] == group]
    known = members["patient"][members["patient"] != ""]
    return f"patient '{known.iloc[0]}'" if len(
        known
    ) else f"the set of duplicates of {members['path'].iloc[0]}", members


def _far_off(count: int, wanted: float) -> bool:
    # Whole images cannot be dealt closer than to one.
    return abs(count - wanted) > max(FAR_OFF * wanted, 1)


def _small_test(images: pd.DataFrame) -> Iterator[Doubt]:
    groups = images["group"][images["split"] == "test"].nunique()
    if groups < FEW_GROUPS:
        low, high = wilson(0.9, max(groups, 1), 0.95)
        text = (
            f"test holds {groups} independent groups: an accuracy of 0.90 would be known to about {low:.2f} to "
            f"{high:.2f}; add patients, or use cross-validation (run.folds)"
        )
        yield Doubt("warning", "small_test", text, groups)


def _near_copies_of_two_classes(images: pd.DataFrame, near: Integers) -> Iterator[Doubt]:
    labels = images.groupby(near)["label"].transform("nunique")
    torn = images.assign(near=near)[labels > 1]
    if len(torn):
        pairs = [_pair(members) for _, members in torn.groupby("near")]
        text = (
            f"{len(torn)} images in {len(pairs)} sets of near duplicates have different labels, such as {pairs[0]}; "
            "look at them, and correct the labels or exclude them"
        )
        yield Doubt("warning", "near_copies_of_two_classes", text, len(torn), tuple(pairs[:SHOWN]))


def _pair(members: pd.DataFrame) -> str:
    two = members.drop_duplicates("label").iloc[:2]
    return " and ".join(f"{path} ({label})" for path, label in zip(two["path"], two["label"], strict=True))


def _some(paths: pd.Series[str]) -> tuple[str, ...]:
    return tuple(paths.iloc[:SHOWN])
