"""On which side of the split every image stands: drawn by class and group, or as the data's author made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
import pandas as pd

from medcnn.core import seeding
from medcnn.core.errors import MedcnnError
from medcnn.dataset import folds, manifest, truths
from medcnn.dataset.manifest import PARTS, SET_ASIDE, SPLITS, USED
from medcnn.grouping import dealing, leaks
from medcnn.params.splits import AuthorSplit, OnLeak, StratifiedSplit
from medcnn.split import author
from medcnn.split.settings import Study

Groups = npt.NDArray[np.int64]
Repair = Callable[[pd.DataFrame, Groups], pd.DataFrame]

_CODES = {part: code for code, part in enumerate(PARTS.categories)}


def placed(rows: pd.DataFrame, groups: Groups, study: Study, seed: int, where: str) -> pd.DataFrame:
    """The rows with their split and cross-validation fold.

    Args:
        rows: every image, those set aside included.
        groups: the group of each row; no group is parted, unless the study keeps its leaks.
        study: says how to split.
        seed: decides a drawn split, and the folds.
        where: the key path of the study, for messages.

    Returns:
        Rows whose ``fold`` is 0 in the test part, and elsewhere one of the other ``split.fold_numbers``.

    Raises:
        MedcnnError: a class is missing from a part or has fewer images than there are folds, or a group stands on two
            sides.
    """
    split = study.split
    if isinstance(split, AuthorSplit):
        _check_author(_by_author(rows, split), split, study.labels.class_names, f"{where}.split")
    dealt = _dealt(rows, groups, split, split.on_leak, seed)
    used = (dealt["status"] == USED).to_numpy()
    units = _units(groups, split.on_leak)[used]
    chosen = dealt.loc[used, ["path", "label", "split"]]
    leaks.check_no_leak(units, chosen["split"].array, chosen["path"])
    _check_folds(dealt, units, study, f"{where}.split")
    _check_parts(dealt, _units(groups, split.on_leak), study, f"{where}.split")
    fold = np.full(len(dealt), -1)
    tested = (chosen["split"] == "test").to_numpy()
    fold[used] = dealing.folds(units, truths.strata(chosen["label"]), tested, len(study.split.fold_numbers) - 1, seed)
    return dealt.assign(fold=fold)


def folded(rows: pd.DataFrame, groups: Groups, study: Study, seed: int) -> pd.DataFrame:
    """The part of every used image in every fold, as ``folds.write`` takes it.

    In a fold after the first its own images are the test part, and of the others as large a share is drawn for
    validation, by class and group, as the split draws of what it does not test on. A test part that is kept apart, as
    the data's author's is, is in fold 0 alone.

    Args:
        rows: as ``placed`` gives them, with split and fold.
        groups: the group of each row; no group is parted, unless the study keeps its leaks.
        study: says how it is split, and with that how many folds there are.
        seed: decides the validation parts.

    Raises:
        MedcnnError: a group stands on two sides of a fold.
    """
    inside = (rows["status"] == USED).to_numpy()
    units = _units(groups, study.split.on_leak)[inside]
    used = rows.loc[inside, ["image_id", "path", "label", "split", "fold"]].reset_index(drop=True)
    columns = {"image_id": used["image_id"].array}
    for fold in study.split.fold_numbers:
        parts = _fold(used, units, fold, study.split.test_apart, seed) if fold else used
        leaks.check_no_leak(units, parts["split"].array, used["path"])
        columns[folds.column(fold)] = parts["split"].array
    return pd.DataFrame(columns, copy=False)


def careless(rows: pd.DataFrame, seed: int) -> pd.Series[str]:
    """The part of every used image in a plain random split: drawn image by image, to parts of the sizes that there are.

    Args:
        rows: as ``placed`` gives them.
        seed: decides the draw.
    """
    used = rows[rows["status"] == USED].reset_index(drop=True)
    counts = used["split"].value_counts()
    shares = {part: counts[part] / len(used) for part in SPLITS}
    everything = np.ones(len(used), bool)
    return _assigned(used, np.arange(len(used)), everything, shares, seeding.derived(seed, "split"))["split"]


def as_published(rows: pd.DataFrame, split: AuthorSplit | StratifiedSplit, seed: int) -> pd.Series[str]:
    """The split of each row before any repair: the author's, or one drawn image by image; '' for rows set aside."""
    return _dealt(rows, np.arange(len(rows)), split, "keep", seed)["split"]


def _dealt(
    rows: pd.DataFrame, groups: Groups, split: AuthorSplit | StratifiedSplit, on_leak: OnLeak, seed: int
) -> pd.DataFrame:
    units = _units(groups, on_leak)
    if isinstance(split, AuthorSplit):
        parts = _REPAIRS[on_leak](_by_author(rows, split), groups)
        return parts if isinstance(split.validation, str) else _with_validation(parts, units, split.validation, seed)
    shares = (1 - split.validation - split.test, split.validation, split.test)
    if on_leak == "drop_from_train":
        return _dropped(_drawn(rows, np.arange(len(rows)), shares, seed), groups)
    return _drawn(rows, units, shares, seed)


def _units(groups: Groups, on_leak: OnLeak) -> Groups:
    """What is dealt as a whole: groups, or single images where leaks are kept."""
    return np.arange(len(groups)) if on_leak == "keep" else np.asarray(groups)


def _drawn(rows: pd.DataFrame, units: Groups, shares: Sequence[float], seed: int) -> pd.DataFrame:
    inside = (rows["status"] == USED).to_numpy()
    return _assigned(rows, units, inside, dict(zip(SPLITS, shares, strict=True)), seeding.derived(seed, "split"))


def _with_validation(rows: pd.DataFrame, units: Groups, share: float, seed: int) -> pd.DataFrame:
    training = (rows["split"] == "train").to_numpy()
    shares = {"train": 1 - share, "validation": share}
    return _assigned(rows, units, training, shares, seeding.derived(seed, "split"))


def _fold(rows: pd.DataFrame, units: Groups, fold: int, fold_0_apart: bool, seed: int) -> pd.DataFrame:
    """The used rows with their split in a fold after the first; ``fold_0_apart`` keeps fold 0 out of it."""
    counts = rows["split"].value_counts()
    share = counts["validation"] / (counts["train"] + counts["validation"])
    tested = (rows["fold"] == fold).to_numpy()
    rest = ~tested & ~(fold_0_apart & (rows["split"] == "test").to_numpy())
    shares = {"train": 1 - share, "validation": share}
    parts = rows.assign(split=_parts(np.where(tested, _CODES["test"], 0)))
    return _assigned(parts, units, rest, shares, seeding.derived(seed, "validation", fold))


def _assigned(
    rows: pd.DataFrame,
    units: Groups,
    inside: npt.NDArray[np.bool_],
    shares: Mapping[str, float],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """The rows, those ``inside`` dealt to the parts by class and unit."""
    dealt = dealing.assign(units[inside], truths.strata(rows["label"])[inside], [*shares.values()], rng)
    codes = pd.Categorical(rows["split"], dtype=PARTS).codes.copy()
    codes[inside] = np.array([_CODES[part] for part in shares])[dealt]
    return rows.assign(split=_parts(codes))


def _parts(codes: npt.NDArray[np.integer]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, dtype=PARTS)


def _by_author(rows: pd.DataFrame, split: AuthorSplit) -> pd.DataFrame:
    """The author's parts, as a label table says or else by path; images in none of them are set aside."""
    used = (rows["status"] == USED).to_numpy()
    codes = np.zeros(len(rows), np.int8)
    for texts in (rows["part"], rows["path"]):
        for part, pattern in author.patterns(split).items():
            codes[used & (codes == 0) & author.matching(texts, pattern)] = _CODES[part]
    dealt = rows.assign(split=_parts(codes))
    return manifest.set_aside(dealt, used & (codes == 0), "in no part of the author's split")


def _kept(rows: pd.DataFrame, _: Groups) -> pd.DataFrame:
    return rows


def _dropped(rows: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """Images of an earlier part that share a group with a later one are set aside; the test set stays."""
    dealt, groups = rows, np.asarray(groups)
    for later in ("test", "validation"):
        taken = np.isin(groups, groups[dealt["split"] == later])
        earlier = dealt["split"].isin(SPLITS[: SPLITS.index(later)]).to_numpy()
        dealt = manifest.set_aside(dealt, earlier & taken, f"shares a patient or a duplicate with {later}")
    return dealt


def _regrouped(rows: pd.DataFrame, groups: Groups) -> pd.DataFrame:
    """Every group moves whole to the part where most of its images stand, of equal ones to the later part."""
    _, groups = np.unique(groups, return_inverse=True)
    codes = pd.Categorical(rows["split"], dtype=PARTS).codes
    counts = np.zeros((len(rows), len(_CODES)), np.int64)
    np.add.at(counts, (groups, codes), 1)
    home = len(SPLITS) - counts[:, :0:-1].argmax(axis=1)
    return rows.assign(split=_parts(np.where(codes > 0, home[groups], 0)))


_REPAIRS: Mapping[OnLeak, Repair] = {"keep": _kept, "drop_from_train": _dropped, "regroup": _regrouped}


def _counted(rows: pd.DataFrame) -> dict[tuple[str, str], int]:
    """How many images of each class stand in each part; those without a part are left out."""
    return {
        (part, label): count
        for part in SPLITS
        for label, count in truths.counted(rows["label"][rows["split"] == part]).items()
    }


def _check_author(rows: pd.DataFrame, split: AuthorSplit, classes: Sequence[str], where: str) -> None:
    """Refuse patterns that match nothing, and parts whose classes differ."""
    counts = _counted(rows)
    _check_distinct(rows, split, where)
    for part, pattern in author.patterns(split).items():
        there = rows[author.matching(rows["part"], pattern) | author.matching(rows["path"], pattern)]
        if not len(there):
            example = f"{rows['path'].iloc[0]}{_places(rows)}"
            raise MedcnnError(f"{where}.{part}: '{pattern}' matches no image, such as {example}; fix the pattern")
        for label in classes:
            others = [other for other in SPLITS if counts.get((other, label))]
            if others and not counts.get((part, label)):
                raise MedcnnError(
                    f"{where}.{part}: the classes of the parts differ: {others[0]} holds '{label}' images and {part} "
                    f"none{_aside(there, label)}; fix the patterns of split or labels.classes{_strays(there)}"
                )


def _check_distinct(rows: pd.DataFrame, split: AuthorSplit, where: str) -> None:
    """Refuse patterns of two parts that match one image."""
    in_table = (rows["part"] != "").to_numpy()
    for texts in (rows["part"], rows["path"][~in_table]):
        hits = {part: author.matching(texts, pattern) for part, pattern in author.patterns(split).items()}
        several = np.sum([*hits.values()], axis=0) > 1
        if several.any():
            text = texts.iloc[int(several.argmax())]
            first, second = [part for part, hit in hits.items() if hit[several.argmax()]][:2]
            found = f"{int(several.sum())} images, such as {text}, match its pattern and that of {first}"
            raise MedcnnError(f"{where}.{second}: {found}; make the patterns distinct")


def _places(rows: pd.DataFrame) -> str:
    """What label tables call the parts, for messages."""
    parts = sorted(set(rows["part"]) - {""})
    return f", which label tables place in {', '.join(parts)}" if parts else " (labels.csv.split may name a column)"


def _aside(rows: pd.DataFrame, label: str) -> str:
    """How many images of a class are set aside, and why, for messages; '' where none are."""
    reasons = rows["reason"][(rows["status"] == SET_ASIDE) & truths.having(rows["label"], label)]
    return f" ({len(reasons)} are set aside, the first as {reasons.iloc[0]})" if len(reasons) else ""


def _strays(rows: pd.DataFrame) -> str:
    """The folders of a part whose images are of no class, which show how a class is spelt there."""
    folders = sorted({PurePosixPath(path).parent.as_posix() for path in rows["path"][rows["label"] == ""]})
    return f"; folders there of no class: {', '.join(folders)}" if folders else ""


def _check_folds(rows: pd.DataFrame, units: Groups, study: Study, where: str) -> None:
    """Refuse more folds than a class has images, or than there are groups, outside the test part."""
    used = rows[["label", "group", "split"]][rows["status"] == USED]
    inside = (used["split"] != "test").to_numpy()
    images, groups = truths.counted(used["label"][inside]), len(np.unique(units[inside]))
    folds = len(study.split.fold_numbers) - 1
    few = [name for name in study.labels.class_names if images.get(name, 0) < folds]
    if not few and groups >= folds:
        return
    found, count = f"there are {groups} patients or sets of duplicates", groups
    if few:
        count = images.get(few[0], 0)
        found = f"class '{few[0]}' has {count} images{_confined(used, units, few[0])}{_aside(rows, few[0])}"
    most = count + study.split.folds - folds
    lower = f"set it to {most} or less, or " if most > 2 else ""
    raise MedcnnError(
        f"{where}.folds: {found} outside the test part, fewer than the {folds} folds there; {lower}add images"
    )


def _check_parts(rows: pd.DataFrame, units: Groups, study: Study, where: str) -> None:
    present, split = _counted(rows), study.split
    missing = [(part, label) for part in SPLITS for label in study.labels.class_names if (part, label) not in present]
    if missing:
        part, label = missing[0]
        used = (rows["status"] == USED).to_numpy()
        confined = _confined(rows.loc[used, ["label", "group"]], units[used], label)
        drawn = isinstance(split, StratifiedSplit) or (part == "validation" and not isinstance(split.validation, str))
        cure = (
            "give that part a larger share, or " if drawn else f"choose another split.on_leak than {split.on_leak}, or "
        )
        cure = "" if confined else cure
        raise MedcnnError(f"{where}: no '{label}' image in {part}{confined}{_aside(rows, label)}; {cure}add images")


def _confined(used: pd.DataFrame, units: Groups, label: str) -> str:
    """That a class has fewer groups than there are parts, and which, for messages; '' where it has more."""
    members = truths.having(used["label"], label)
    firsts, count = np.unique(units[members], return_index=True)[1], int(members.sum())
    if len(firsts) >= min(count, len(SPLITS)):
        return ""
    names = " and ".join(f"'{name}'" for name in used["group"][members].iloc[firsts])
    return f" (all {count} images of the class are of the patient or set of duplicates {names})"
