from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from medcnn.params.shared.classes import Classes


def test_whole_numbers_of_yaml_are_patterns_and_names() -> None:
    classes = Classes(classes={0: "benign", "1": 2})
    assert classes.classes == {"0": "benign", "1": "2"}
    assert classes.class_names == ("benign", "2")


@pytest.mark.parametrize("classes", [{True: "a", "b": "c"}, {1.0: "a", 2.0: "b"}, {"1": "a", 1: "b", 2: "c"}])
def test_what_yaml_does_not_keep_as_written_must_be_quoted(classes: dict[Any, str]) -> None:
    with pytest.raises(ValidationError, match="quote"):
        Classes(classes=classes)
