"""What is doubtful about files: those that cannot be read, that hold several pictures or none, that name patients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pandas as pd

from medcnn.dataset.doubts import SHOWN, Doubt
from medcnn.split.inspecting import PATIENT


def empty(reasons: Counter[str]) -> Iterator[Doubt]:
    """Files that are meant to hold no picture, such as the reports of a DICOM study."""
    for reason, count in sorted(reasons.items()):
        yield Doubt("note", "files_without_picture", f"{count} files were passed over: each is {reason}", count)


def several(facts: pd.DataFrame, paths: pd.Series[str]) -> Iterator[Doubt]:
    """Files of several pictures."""
    files = facts[facts["pictures"] > 1].drop_duplicates("file")
    if len(files):
        all_of_them, taken = int(files["pictures"].sum()), int((facts["pictures"] > 1).sum())
        text = (
            f"{len(files)} files hold {all_of_them} pictures (frames, slices or pages), of which {taken} are taken, as "
            "those of one patient per file; images.frames says which"
        )
        yield Doubt("note", "several_pictures", text, len(files), tuple(paths[files.index[:SHOWN]]))


def untaken_patients(patients: pd.Series[str], tagged: pd.Series[str]) -> Iterator[Doubt]:
    """Patients that DICOM files name and the study does not ask for."""
    left = tagged[(patients == "") & (tagged != "")]
    if len(left):
        text = (
            f"the DICOM files of {len(left)} images without a patient name {left.nunique()} patients: keep them "
            f"together with labels.dicom_group: {PATIENT}"
        )
        yield Doubt("warning", "patients_in_dicom", text, len(left))


def unreadable(listed: pd.DataFrame, facts: pd.DataFrame) -> Iterator[Doubt]:
    """Images that are set aside because they cannot be read, by reason."""
    broken = facts["fault"][facts["fault"] != ""]
    if len(broken):
        reasons = [f"{reason} {count}" for reason, count in broken.value_counts().head(SHOWN).items()]
        text = f"{len(broken)} of {len(facts)} images cannot be read and are set aside: {'; '.join(reasons)}"
        yield Doubt("warning", "unreadable_images", text, len(broken), tuple(listed["path"][broken.index[:SHOWN]]))
