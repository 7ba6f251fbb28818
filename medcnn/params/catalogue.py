"""The table of backbones, ``medcnn/weights/backbones.yaml``, typed: all that is known of one without loading Keras.

What a training needs of a row, the ``weights`` stage writes beside the weights: a new row retrains nothing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, Field, ValidationError

from medcnn.core.errors import ParamsError
from medcnn.params import validation
from medcnn.params.pins import Weights
from medcnn.params.shared.base import Block, Positive, known
from medcnn.params.shared.scaling import PREPROCESSING

TABLE = Path(__file__).parents[1] / "weights" / "backbones.yaml"


def _preprocessing(name: str) -> str:
    known("preprocessing", name, PREPROCESSING)
    return name


class Backbone(Block):
    """A network up to its feature maps."""

    preprocessing: Annotated[str, AfterValidator(_preprocessing)]
    """What its weights were trained with: a name of ``PREPROCESSING``."""
    smallest: Positive
    """The smallest image side, in pixels, that its layers can work on."""
    native: Positive | None = None
    """The image side, in pixels, that its ImageNet weights were trained on, where presets choose it."""
    imagenet: Weights | None = None
    """Where its ImageNet weights come from, and their hash; none where nobody pinned them."""


class Catalogue(Block):
    """Backbones by name: those written here, those of ``keras.applications``, and encoders of the user's own."""

    medcnn: dict[str, Backbone]
    keras: dict[str, Backbone]
    own: dict[str, Backbone] = Field(default_factory=dict)

    @property
    def backbones(self) -> dict[str, Backbone]:
        """All of them."""
        return {**self.medcnn, **self.keras, **self.own}

    @property
    def pinned(self) -> list[str]:
        """The names of those with pinned ImageNet weights."""
        return [name for name, backbone in self.backbones.items() if backbone.imagenet]


@cache
def catalogue() -> Catalogue:
    """The whole table.

    Raises:
        ParamsError: one line with the key path of the first fault in it.
    """
    # Read with libyaml: the parser of params.yaml takes five times as long, and every command reads this table.
    tree = yaml.load(TABLE.read_text(encoding="utf-8"), yaml.CSafeLoader)
    try:
        return Catalogue.model_validate(tree)
    except ValidationError as error:
        raise ParamsError(f"{TABLE.name}: {validation.described(error, tree, Catalogue)}") from error
