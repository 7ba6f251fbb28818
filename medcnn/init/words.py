"""The words by which data sets of this field name parts, classes, patients and files that belong to images."""

from __future__ import annotations

import re
from collections.abc import Collection

_TOKENS = re.compile(r"[A-Za-z]+|\d+")

_PARTS = {
    "train": {"train", "training", "traindata", "trainset"},
    "validation": {"val", "valid", "validation", "dev"},
    "test": {"test", "testing", "testdata", "testset", "holdout"},
}
PATIENTS = (
    "patient", "patientid", "pat", "subject", "subj", "sub", "person", "participant", "volunteer", "case", "uid", "pid",
    "lesion", "specimen", "slide", "study", "exam", "donor", "p",
)  # fmt: skip
"""What stands before the number of a patient, in paths; words for things that one patient may have several of too."""
PATIENT_COLUMNS = ("patient", "subject", "person", "participant", "case", "lesion", "specimen", "study", "exam")
LABEL_COLUMNS = (
    "label", "labels", "class", "classes", "diagnosis", "dx", "target", "category", "finding", "findings", "pathology",
    "disease", "type", "grade", "level", "status", "result", "y",
)  # fmt: skip
SPLIT_COLUMNS = ("split", "fold", "set", "subset", "partition", "part", "usage", "phase", "dataset")
_SICK = {
    "tumor", "tumour", "cancer", "cancerous", "malignant", "melanoma", "mel", "pneumonia", "covid", "tuberculosis",
    "tb", "positive", "abnormal", "disease", "diseased", "sick", "infected", "parasitized", "blast", "lesion",
    "fracture", "fractured", "hemorrhage", "haemorrhage", "stroke", "glaucoma", "yes", "true", "pos", "case", "cases",
    "metastasis", "carcinoma", "leukemia", "leukaemia", "pathological", "1",
}  # fmt: skip
_HEALTHY = {
    "healthy", "normal", "benign", "nevus", "naevus", "nv",
    "negative", "no", "non", "not", "none", "false", "neg", "control", "controls",
    "uninfected", "without", "0",
}  # fmt: skip


def tokens(name: str) -> list[str]:
    """The words and numbers of a name, in lower case; ``trainSet2`` has three."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [token.lower() for token in _TOKENS.findall(spaced)]


def part(name: str) -> str | None:
    """The part of a split that a name speaks of: train, validation or test."""
    found = tokens(name)
    return next((part for part, words in _PARTS.items() if words & set(found)), None)


def speaks_of_a_class(name: str) -> bool:
    """Whether a name holds a word for the sick or the healthy."""
    return bool((_SICK | _HEALTHY) & _spoken(name))


def speaks_of_labels(column: str) -> bool:
    """Whether the name of a column is one that classes have."""
    found = tokens(column)
    return bool(found) and (found[-2] if found[-1] == "name" and len(found) > 1 else found[-1]) in LABEL_COLUMNS


def is_identifier(column: str) -> bool:
    """Whether the name of a column says that its values name something, such as a reader."""
    found = tokens(column)
    return bool(found) and found[-1] in ("id", "uid")


def positive(classes: Collection[str]) -> str | None:
    """Which of two classes is the one that is looked for; None where their names do not say."""
    if len(classes) != 2:
        return None
    healthy = [name for name in classes if _HEALTHY & _spoken(name)]
    sick = [name for name in classes if name not in healthy and _SICK & _spoken(name)]
    if len(sick) == 1:
        return sick[0]
    return next(name for name in classes if name not in healthy) if len(healthy) == 1 else None


def _spoken(name: str) -> set[str]:
    """The words of a name; a number counts where it is the whole name."""
    found = tokens(name)
    return {token for token in found if not token.isdecimal() or len(found) == 1}


def identifier(name: str) -> str:
    """A name of letters, digits and underscores; a number is written without ``.0``."""
    name = re.sub(r"^(\d+)\.0+$", r"\1", name)
    return re.sub(r"\W+", "_", name).strip("_").lower() or name
