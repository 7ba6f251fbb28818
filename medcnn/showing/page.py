"""The page of the last run in the browser."""

from __future__ import annotations

import webbrowser

from medcnn.core.errors import MedcnnError
from medcnn.runtime import paths


def opened() -> None:
    """Open the page, and print its address for a terminal without a browser.

    Raises:
        MedcnnError: nothing drew it yet.
    """
    if not paths.REPORT.exists():
        raise MedcnnError(f"{paths.REPORT} not found; `medcnn repro` or `medcnn run STUDY` makes it")
    address = paths.REPORT.resolve().as_uri()
    print(address)
    webbrowser.open(address)
