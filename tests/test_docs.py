"""Links and names in the documentation: what they name is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests import pictures
from tests.project import ROOT

PAGES = sorted(
    page.relative_to(ROOT)
    for pattern in ("*.md", "docs/*.md", ".github/**/*.md")
    for page in ROOT.glob(pattern)
    if not page.is_symlink()
)
LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"")
MODULE = re.compile(r"`((?:medcnn|stages|tests)/[\w/.]*)`")
TARGET = re.compile(r"`make ([a-z-]+)|^make ([a-z-]+)", re.MULTILINE)
KEY = re.compile(r"-S '?([a-z_0-9.]+)=")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PLACEHOLDER = re.compile(r"[A-Z]{4}")
"""In a name that a reader is to replace, such as ``stages/NAME.py``."""


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    titles = HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_relative_link_leads_somewhere(page: Path):
    links = [linked or pictured for linked, pictured in LINK.findall((ROOT / page).read_text())]
    for link in links:
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (ROOT / page).parent / name if name else ROOT / page
        assert target.exists(), f"{page}: {link}"
        assert not anchor or anchor in anchors(target), f"{page}: {link}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=str)
def test_every_file_of_the_code_that_is_named_exists(page: Path):
    named = [name for name in MODULE.findall((ROOT / page).read_text()) if not PLACEHOLDER.search(name)]
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_make_target_that_is_named_exists(page: Path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {quoted or typed for quoted, typed in TARGET.findall((ROOT / page).read_text())} <= targets


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_key_that_is_set_is_one_of_params_yaml(page: Path):
    params = YAML(typ="safe").load(ROOT / "params.yaml")
    params["studies"]["skin"] = params["studies"]["phantom"]  # the reader's own
    for key in KEY.findall((ROOT / page).read_text()):
        block = params
        for name in key.split("."):
            assert name in block, f"{page}: {key}"
            block = block[name]


FIGURES = ("accuracy", "auroc", "cross_entropy", "ece")
ROW = re.compile(r"^\| `(\w+)`[^|]*((?:\| \d\.\d{3} \[[^|]*)+)", re.MULTILINE)


def test_the_figures_of_the_readme_are_those_of_the_committed_run():
    rows = dict(ROW.findall((ROOT / "README.md").read_text()))
    assert len(rows) == 4
    for model, cells in rows.items():
        measured = json.loads((ROOT / f"metrics/evaluate/phantom/{model}.json").read_text())
        figures = [[measured[f"{name}{bound}"] for bound in ("", "_low", "_high")] for name in FIGURES]
        shown = [f"{value:.3f} [{low:.3f}, {high:.3f}]" for value, low, high in figures]
        assert [cell.strip() for cell in cells.split("|")[1:]] == shown, model


@pytest.mark.parametrize("picture", [*pictures.PICTURES.values(), pictures.TRY], ids=str)
def test_the_pictures_of_the_page_show_the_committed_metrics(picture: Path):
    assert pictures.shows(ROOT / picture) == pictures.of_metrics(ROOT), "run `make pictures`"


def test_the_example_of_the_readme_was_made_beside_the_committed_metrics():
    found = pictures.EXAMPLE.search((ROOT / pictures.README).read_text())
    assert found is not None and found[2] == pictures.of_metrics(ROOT), "run `make pictures`"
    assert len(found[3].splitlines()) == 6
