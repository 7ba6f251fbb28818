"""What the page and the model card may show of the images."""

from __future__ import annotations

from typing import Literal

from medcnn.params.shared.base import Block

Privacy = Literal["full", "no_images", "figures_only"]


class Report(Block):
    """What the page and the model card show."""

    privacy: Privacy = "full"
    """`no_images` leaves out pictures, and has pseudonyms for names of files and patients; `figures_only` leaves out
    errors by patient and doubts about images too. `metrics/` has pseudonyms with both."""

    @property
    def full(self) -> bool:
        """Whether nothing is held back."""
        return self.privacy == "full"
