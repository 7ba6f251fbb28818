"""One line of the checklist: what is asked, the verdict, and the answer in a sentence."""

from __future__ import annotations

from typing import Literal

from medcnn.results.base import Record

Verdict = Literal["pass", "warn", "fail", "none"]

EXTERNAL = "external_"
TITLES = {
    "leaks": "No leaks between parts",
    "careless": "What a random split would claim",
    "patients": "Patients known",
    "shortcuts": "No shortcuts",
    "images": "Images without doubt",
    "groups": "Enough test images",
    "baseline": "Better than guessing",
    "seeds": "Spread over seeds",
    "calibration": "Calibrated",
    "operating": "Operating points hold",
    "heat": "Looks at the body",
    "membership": "Gives no patients away",
    "export": "Export equals the model",
    "int8": "Int8 equals float32",
    "reproduced": "Made from a commit",
}
"""What each key asks, in words."""


class Check(Record):
    """One line of the checklist.

    Attributes:
        key: what is asked, in snake_case.
        title: what is asked, in a few words.
        verdict: ``fail`` where the figures must not be believed, ``warn`` where they need a second look, ``none`` of a
            figure that nothing passes or fails by.
        text: the answer in a sentence, with its figures.
        section: of the page that says more.
    """

    key: str
    title: str
    verdict: Verdict
    text: str
    section: str


def check(key: str, verdict: Verdict, text: str, section: str) -> Check:
    """One line, under the title of its key."""
    title = TITLES.get(key, f"On {key.removeprefix(EXTERNAL)}")
    return Check(key=key, title=title, verdict=verdict, text=text, section=section)


def interval(block: Record, key: str) -> str:
    """A figure with its interval, as far as it has one."""
    value, low, high = (block.get(name) for name in (key, f"{key}_low", f"{key}_high"))
    if value is None:
        return "not defined"
    return f"{value:.3f}" if low is None or high is None else f"{value:.3f} [{low:.3f}, {high:.3f}]"
