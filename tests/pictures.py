"""The pictures of README and docs, and README's example: ``python -m tests.pictures`` makes them of the last run.

Each says in a text chunk which metrics it shows, so that a test finds one that is older than the metrics beside it.
"""

from __future__ import annotations

import hashlib
import io
import re
import shlex
import subprocess
import sys
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
README = Path("README.md")
EXAMPLE = re.compile(
    r"^python -m (medcnn predict .*)\n```\n\n<!-- metrics: ?(\w*) -->\n```\n(.*?)```$", re.MULTILINE | re.DOTALL
)
"""A command that README shows, the digest of the metrics that its answer stands beside, and the answer."""
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


def answered(text: str) -> str:
    """README with the example's answer as the last run gives it."""
    found = EXAMPLE.search(text)
    if found is None:
        raise ValueError("README.md has no example of `medcnn predict` above a digest of metrics")
    command = [sys.executable, "-m", *shlex.split(found[1])]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    block = f"python -m {found[1]}\n```\n\n<!-- metrics: {of_metrics(ROOT)} -->\n```\n{printed}```"
    return text[: found.start()] + block + text[found.end() :]


def main() -> None:
    """Make every picture and the example anew."""
    from playwright.sync_api import sync_playwright

    (ROOT / README).write_text(answered((ROOT / README).read_text(encoding="utf-8")), encoding="utf-8")
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
