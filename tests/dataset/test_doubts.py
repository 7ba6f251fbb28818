"""Doubts: the gravest first, and an error stops."""

from __future__ import annotations

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.dataset import doubts
from medcnn.dataset.doubts import Doubt

NOTE, WARNING, ERROR = (Doubt(severity, severity, f"{severity} found", 1) for severity in ("note", "warning", "error"))


def test_the_gravest_come_first() -> None:
    assert doubts.sorted_by_severity([NOTE, WARNING, ERROR, NOTE]) == (ERROR, WARNING, NOTE, NOTE)


def test_an_error_stops_with_its_study_and_text() -> None:
    doubts.stop_at_error([NOTE, WARNING], "studies.skin")
    with pytest.raises(MedcnnError, match=r"studies\.skin: error found"):
        doubts.stop_at_error([NOTE, ERROR], "studies.skin")
