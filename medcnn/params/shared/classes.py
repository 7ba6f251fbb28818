"""The classes of a study."""

from __future__ import annotations

from pydantic import field_validator, model_validator

from medcnn.params.shared.base import View
from medcnn.params.shared.images import Images


class Classes(View):
    """Which folders and label values make which class."""

    classes: dict[str, str]
    """Class by pattern of folder names or label values; the order of the classes is that of their first patterns."""
    positive: str | None = None
    """The positive class of two, which comes last and is what a sigmoid gives the probability of."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names in the order of ``params.yaml``, the positive one of two last, as a sigmoid needs it."""
        names = list(dict.fromkeys(self.classes.values()))
        if len(names) == 2 and self.positive == names[0]:
            names.reverse()
        return tuple(names)

    @field_validator("classes")
    @classmethod
    def _are_two_at_least(cls, classes: dict[str, str]) -> dict[str, str]:
        names = sorted(set(classes.values()))
        if len(names) < 2:
            raise ValueError(f"one class only ({''.join(names) or 'none'}); add a line `pattern: name` for another")
        return classes

    @model_validator(mode="after")
    def _positive_is_a_class(self) -> Classes:
        if self.positive is not None and self.positive not in self.class_names:
            raise ValueError(f"positive must be one of {', '.join(self.class_names)}")
        return self


class Labelled(View):
    """The classes of a study."""

    labels: Classes


class Prepared(Labelled):
    """The classes and the prepared images of a study."""

    images: Images
