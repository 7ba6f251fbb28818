"""The published figures: ``studies.yaml``, typed; an unknown key or model is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator
from ruamel.yaml import YAML

from medcnn.params.shared.base import Block, Name, Positive, known

PATH = Path(__file__).with_name("studies.yaml")
Accuracy = Annotated[float, Field(ge=0, le=1)]
Loss = Annotated[float, Field(ge=0)]


class Reason(Block):
    """What was wrong there, or is different here.

    Attributes:
        models: the published models that it concerns, none for all.
        explains: whether it bears on test accuracy or loss.
    """

    text: str
    models: tuple[str, ...] = ()
    explains: bool = True

    def concerns(self, model: str) -> bool:
        """Whether it is a reason why the figures of a published model differ."""
        return self.explains and (not self.models or model in self.models)


class PublishedModel(Block):
    """A model as published.

    Attributes:
        model: its name there.
        ours: its name in a run here; none where its images are not those of a study here.
        accuracy: on test, none where only other figures were published.
        loss: cross-entropy on test, in nats.
        further: every other figure that was published.
    """

    model: str
    ours: Name | None
    accuracy: Accuracy | None
    loss: Loss | None
    further: dict[str, float | int | str] = Field(default_factory=dict)


class PublishedStudy(Block):
    """A study as published, what was wrong there, and what is done otherwise here.

    Attributes:
        best_here: the model of ``params.yaml`` that gets most out of its images, chosen by validation (docs/models.md).
    """

    source: str
    test_images: Positive | None
    wrong_there: tuple[Reason, ...]
    different_here: tuple[Reason, ...]
    best_here: Name
    rows: Annotated[tuple[PublishedModel, ...], Field(min_length=1)]

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of its networks in a run here, chains included."""
        return tuple(row.ours for row in self.rows if row.ours and not row.ours.startswith("ensemble_"))

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """All reasons, in the order in which they are numbered."""
        return (*self.wrong_there, *self.different_here)

    @model_validator(mode="after")
    def _reasons_name_rows(self) -> PublishedStudy:
        models = [row.model for row in self.rows]
        for reason in self.reasons:
            for model in reason.models:
                known("reasons", model, models)
        return self


def decimals(value: float) -> int:
    """How many decimals a published figure is shown with: two at least, for YAML drops the last zero of 0.80."""
    return max(2, len(str(value).partition(".")[2]))


def load(path: Path = PATH) -> dict[str, PublishedStudy]:
    """Every published study by name, in the order of the file."""
    tree = YAML(typ="safe", pure=True).load(path)
    return {name: PublishedStudy.model_validate(block) for name, block in tree.items()}
