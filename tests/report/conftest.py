"""The page of two studies in a real browser: Chromium, driven by Playwright, with the page opened from disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from medcnn.runtime import paths
from tests.browser import ARGUMENTS, CHROMIUM
from tests.report.example import Example, example, write_explained, write_planted, write_stressed, write_timings


@dataclass(frozen=True)
class Opened:
    """A browser, and the page of two studies that it opens."""

    browser: Any
    folder: Path
    studies: dict[str, Example]

    @property
    def url(self) -> str:
        return (self.folder / paths.REPORT).as_uri()


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    folder = tmp_path_factory.mktemp("browser")
    studies = {study: example(folder, study).evaluate() for study in ("brain_mri", "phantom")}
    for made in studies.values():
        write_explained(made)
    write_timings(studies["phantom"], "simple", "lite0", "ensemble_mean")
    write_stressed(studies["phantom"], "simple")
    write_planted(studies["phantom"])
    text = (folder / paths.PARAMS).read_text()
    (folder / paths.PARAMS).write_text(
        re.sub(r"studies:\n? *-? *\[?phantom\]?\n", "studies: [phantom, brain_mri]\n", text, count=1)
    )
    studies["phantom"].report()
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield Opened(browser, folder, studies)
        browser.close()


@pytest.fixture
def page(opened: Opened) -> Iterator[Any]:
    """The page at the size of a laptop; whatever it complains about, or asks for, fails the test."""
    context = opened.browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(f"console {message.type}: {message.text}"))
    tab.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    tab.on("request", lambda request: complaints.append(request.url) if not _own(request.url, opened.url) else None)
    tab.goto(opened.url)
    yield tab
    context.close()
    assert complaints == []


def _own(url: str, page: str) -> bool:
    return url.startswith("data:") or url.partition("#")[0] == page
