"""The page and the card as they may be handed on: without pictures, without names of files and of patients."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from medcnn.core import files
from medcnn.dataset import manifest
from medcnn.params import whole
from medcnn.params.shared.loading import load
from medcnn.report import page
from medcnn.report.gathering import gathered
from medcnn.report.model_card import card
from medcnn.report.settings import Settings
from medcnn.runtime import paths
from tests.project import shrink
from tests.report.example import Example, example, write_explained, write_external


class Plain(page.Chapter):
    """A chapter without its curves, which take seconds to draw and name nobody."""

    drawings = ()
    latencies = ()


DOUBT = {
    "severity": "warning", "kind": "copies", "text": "'quux_jane.png' is like Quux/x.dcm", "count": 2,
    "examples": ["quux_jane.png"],
}  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Example:
    """A study whose files and groups are named after people."""
    made = example(tmp_path_factory.mktemp("privacy"), "phantom").evaluate()
    rows = manifest.read(made.path(paths.manifest(made.study)))
    rows["path"] = rows["path"].map(lambda path: f"Quux_Jane/{path}")
    rows["group"] = pd.Series([f"quux_{number // 2}" for number in range(len(rows))], index=rows.index)
    manifest.write(made.path(paths.manifest(made.study)), rows)
    split = files.read_json(made.path(paths.metrics("split", made.study)))
    files.write_json(made.path(paths.metrics("split", made.study)), {**split, "doubts": [*split["doubts"], DOUBT]})
    write_explained(made)
    write_external(made)
    return made


def drawn(made: Example, privacy: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The page and the card."""
    monkeypatch.chdir(made.folder)
    settings = load(Settings)
    settings = settings.model_copy(update={"report": settings.report.model_copy(update={"privacy": privacy})})
    return page.render([Plain(gathered(made.study, settings))], settings, None), card(made.study, settings)


def test_in_full_there_are_pictures_and_names(made: Example, monkeypatch: pytest.MonkeyPatch):
    html, _ = drawn(made, "full", monkeypatch)
    assert "data:image/jpeg" in html and "Quux_Jane" in html and "quux_1" in html


@pytest.mark.parametrize("privacy", ["no_images", "figures_only"])
def test_handed_on_there_are_none_and_the_figures_are_the_same(
    made: Example, privacy: str, monkeypatch: pytest.MonkeyPatch
):
    full, _ = drawn(made, "full", monkeypatch)
    html, text = drawn(made, privacy, monkeypatch)
    for name in ("data:image/jpeg", "data:image/png", "data:image/webp"):
        assert name not in html
    for name in ("quux", "Quux"):
        assert name not in html and name not in text
    for section in ("ranking", "calibration", "consequences", "external"):
        start = f'<section id="phantom-{section}"'
        parts = [page_of[page_of.index(start) :].partition("</section>")[0] for page_of in (full, html)]
        assert section == "external" or parts[0] == parts[1]
    assert (
        ("errors are in" in html) == (re.search(r"patient-[0-9a-f]{12}", html) is not None) == (privacy == "no_images")
    )
    assert f"report.privacy: {privacy}" in html


def test_the_key_is_checked_like_any_other(tmp_path: Path):
    shrink(tmp_path, {"report.privacy": "some"})
    with pytest.raises(Exception, match=r"report\.privacy"):
        whole.load(tmp_path / paths.PARAMS)
