"""The classes of a study."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator, model_validator

from medcnn.params.shared.base import View
from medcnn.params.shared.images import Images

SEPARATOR = "|"
"""Between the findings of an image in a label."""
NO_FINDING = "no finding"
"""The label of an image that was looked at and has none of the findings; '' is that of one without a label."""


class Findings(tuple[str, ...]):
    """The classes of a multi-label study: an image may be of several, or of none, and each is a question of its own."""


class Classes(View):
    """Which folders and label values make which class."""

    classes: dict[str, str]
    """Class by pattern of folder names or label values; the order of the classes is that of their first patterns."""
    positive: str | None = None
    """The positive class of two, which comes last and is what a sigmoid gives the probability of."""
    multi_label: bool = False
    """Whether classes are findings of which an image may have several, or none: ``no finding``, which patterns may
    name and which is no class of its own."""

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names in the order of ``params.yaml``, the positive one of two last, as a sigmoid needs it."""
        names = list(dict.fromkeys(self.classes.values()))
        if self.multi_label:
            return Findings(name for name in names if name != NO_FINDING)
        if len(names) == 2 and self.positive == names[0]:
            names.reverse()
        return tuple(names)

    @field_validator("classes", mode="before")
    @classmethod
    def _may_be_whole_numbers(cls, classes: Any) -> Any:
        """Folders and values such as 0 and 1, which YAML reads as numbers, as text."""
        if not isinstance(classes, dict):
            return classes
        texts = {_text(pattern): _text(name) for pattern, name in classes.items()}
        if len(texts) < len(classes):
            raise ValueError(f"a pattern stands twice, with quotes and without: {', '.join(map(repr, classes))}")
        return texts

    @field_validator("classes")
    @classmethod
    def _are_two_at_least(cls, classes: dict[str, str]) -> dict[str, str]:
        names = sorted(set(classes.values()))
        for name in names:
            if SEPARATOR in name:
                raise ValueError(f"'{name}': a class has no {SEPARATOR} in its name, which joins findings; rename it")
        if len(names) < 2:
            raise ValueError(f"one class only ({''.join(names) or 'none'}); add a line `pattern: name` for another")
        return classes

    @model_validator(mode="after")
    def _positive_is_a_class(self) -> Classes:
        if self.positive is not None and self.positive not in self.class_names:
            raise ValueError(f"positive must be one of {', '.join(self.class_names)}")
        return self

    @model_validator(mode="after")
    def _findings_are_two_at_least(self) -> Classes:
        if self.multi_label and self.positive is not None:
            raise ValueError("positive is the class of two that is looked for; every finding of multi_label is")
        if self.multi_label and len(self.class_names) < 2:
            raise ValueError("multi_label needs two findings or more; one finding and its absence are two classes")
        return self


def _text(value: Any) -> Any:
    """A whole number as text; other values that need quotes in YAML are refused."""
    if isinstance(value, (bool, float)):
        raise ValueError(f"quote {value}, as YAML does not keep how it is written: '{value}'")
    return str(value) if isinstance(value, int) else value


class Labelled(View):
    """The classes of a study."""

    labels: Classes


class Prepared(Labelled):
    """The classes and the prepared images of a study."""

    images: Images
