"""The page on which a model answers in the browser: text and style; its scripts are in ``medcnn/demo/page``."""

from __future__ import annotations

import os

from medcnn.report.templating import environment
from medcnn.runtime import paths


def render() -> str:
    """The page as HTML, the same for every run: which models there are is read from ``plots/demo/`` when it is opened.

    Its content security policy lets it load from the server that it came from, and from nowhere else.
    """
    demo = os.path.relpath(paths.DEMO, paths.TRY.parent)
    return environment(escapes=True).get_template("try.html.j2").render(demo=demo, report=paths.REPORT.name)
