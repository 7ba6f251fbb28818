"""The pictures of README: ``python -m tests.pictures`` takes them of the page of the last run, light and dark.

Each says in a text chunk which metrics it shows, so that a test finds one that is older than the metrics beside it.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from PIL import Image, PngImagePlugin

from medcnn.runtime import paths
from tests.browser import ARGUMENTS, CHROMIUM
from tests.project import ROOT

PICTURES = {"light": Path("docs/report.png"), "dark": Path("docs/report-dark.png")}
"""By colour scheme."""
_SIDE = 1180
_METRICS = "metrics"


def of_metrics(root: Path) -> str:
    """The digest of the figures that the first screen shows."""
    shown = [*sorted((root / "metrics/evaluate/phantom").glob("*.json")), root / "metrics/cards/phantom.json"]
    return hashlib.sha256(b"".join(path.read_bytes() for path in shown)).hexdigest()


def shows(picture: Path) -> str:
    """The digest of the metrics that a picture was taken of; empty where it does not say."""
    with Image.open(picture) as image:
        return str(image.info.get(_METRICS, ""))


def main() -> None:
    """Take every picture anew."""
    from playwright.sync_api import sync_playwright

    chunk = PngImagePlugin.PngInfo()
    chunk.add_text(_METRICS, of_metrics(ROOT))
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS])
        for scheme, picture in PICTURES.items():
            page = browser.new_page(viewport={"width": _SIDE, "height": _SIDE}, color_scheme=scheme)
            page.goto((ROOT / paths.REPORT).as_uri())
            with Image.open(io.BytesIO(page.screenshot())) as image:
                image.convert("RGB").quantize().save(ROOT / picture, pnginfo=chunk, optimize=True)
            print(picture)


if __name__ == "__main__":
    main()
