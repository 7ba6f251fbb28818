"""What a model has to beat: always giving the most frequent answer, which needs no image."""

from __future__ import annotations

from dataclasses import dataclass

from medcnn.results.base import Record
from medcnn.results.measured import Measured

GUESSED_AUROC = 0.5
"""What any answer that does not look at the image has, whatever the classes."""
FEWEST_GROUPS = 5
"""With fewer independent groups on test an interval says little more than that nothing is known."""


@dataclass(frozen=True)
class Baseline:
    """A figure that is reached without looking at an image.

    Attributes:
        key: of the figure.
        value: what it is then.
        label: the class that is always answered; '' of several findings, where any answer will do.
    """

    key: str
    value: float
    label: str = ""

    def beaten_by(self, block: Record) -> bool:
        """Whether the whole interval of the figure lies above; a figure without an interval beats nothing."""
        low = block.get(f"{self.key}_low")
        return low is not None and bool(low > self.value)


def baseline(test: Measured, several: bool) -> Baseline | None:
    """The accuracy of the most frequent class on test, or of several findings an AUROC of one half.

    None where there are no test images.
    """
    if not test.support:
        return None
    if several:
        return Baseline("auroc", GUESSED_AUROC)
    label, rates = max(test.classes.items(), key=lambda of_class: of_class[1].support)
    return Baseline("accuracy", rates.support / test.support, label)
