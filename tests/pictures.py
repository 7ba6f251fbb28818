"""The pictures of README and docs: ``python -m tests.pictures`` takes them of the last run's page and demo.

Each says in a text chunk which metrics it shows, so that a test finds one that is older than the metrics beside it.
"""

from __future__ import annotations

import hashlib
import io
import threading
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from medcnn.demo import serving
from medcnn.runtime import paths
from tests.browser import ARGUMENTS, CHROMIUM
from tests.project import ROOT

PICTURES = {"light": Path("docs/report.png"), "dark": Path("docs/report-dark.png")}
"""By colour scheme."""
TRY = Path("docs/try.png")
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

    with sync_playwright() as browsers, serving.serving(ROOT / serving.ROOT, 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        browser = browsers.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS])
        for scheme, picture in PICTURES.items():
            page = browser.new_page(viewport={"width": _SIDE, "height": _SIDE}, color_scheme=scheme)
            page.goto((ROOT / paths.REPORT).as_uri())
            _take(page, picture)
        page = browser.new_page(viewport={"width": _SIDE, "height": _SIDE}, reduced_motion="reduce")
        page.goto(f"http://{serving.ADDRESS}:{server.server_port}{serving.HOME}")
        page.locator("#samples button").first.click()
        page.locator("#classes button").first.click()
        page.locator("#verdict:not(:empty)").wait_for()
        _take(page, TRY)
        server.shutdown()


def _take(page: Any, picture: Path) -> None:
    chunk = PngImagePlugin.PngInfo()
    chunk.add_text(_METRICS, of_metrics(ROOT))
    with Image.open(io.BytesIO(page.screenshot())) as image:
        image.convert("RGB").quantize().save(ROOT / picture, pnginfo=chunk, optimize=True)
    print(picture)


if __name__ == "__main__":
    main()
