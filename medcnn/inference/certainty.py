"""How sure an answer may be shown: no surer than the images that calibrated it can support.

Of N images of which none contradicts a model, up to 3 / N may still be wrong, with 95 % confidence (the rule of three;
Hanley and Lippman-Hand, JAMA 1983). The rule takes images for independent; where patients have several images each,
even this says too much.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Certainty:
    """The limits within which a probability is shown as a number.

    Attributes:
        images: validation images, on which probabilities were calibrated.
    """

    images: int

    @property
    def most(self) -> float:
        """The highest probability that is shown as a number, at least a half."""
        return max(1 - 3 / self.images, 0.5) if self.images else 0.5

    def beyond(self, probability: float) -> str:
        """The sign before the limit that stands for a probability: ">", "<", or nothing where it stands for itself."""
        if probability > self.most:
            return ">"
        return "<" if probability < 1 - self.most else ""

    def limit(self, probability: float) -> float:
        """The probability, or the limit beyond which it lies."""
        return min(max(probability, 1 - self.most), self.most)
