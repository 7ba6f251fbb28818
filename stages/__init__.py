"""The pipeline's scripts, one for each DVC stage."""

import os
import sys
from collections.abc import Callable

from medcnn.core import processors
from medcnn.runtime import console, warm

# Read when NumPy is loaded.
os.environ.update(processors.NUMERICAL)
# Read when Arrow is loaded: what it frees is given back at once, where it would stay for a second, and add up.
os.environ.setdefault("JE_ARROW_MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0")
# This is what Python names the script while it looks for ``-m stages.<name>``; a test that imports a stage is no run.
if sys.argv[0] == "-m":
    console.exit_on_signals()
    warm.hand_over()


def run_stage(main: Callable[..., None], *names: str) -> None:
    """Check the whole of ``params.yaml`` and the names on the command line, then call ``main`` with them and exit.

    Args:
        main: the stage.
        names: of its arguments; a ``study``, an ``external`` study and a ``model`` (or chain) must be in
            ``params.yaml``.
    """

    def checked(*arguments: str) -> None:
        from medcnn.params import whole
        from medcnn.params.shared import run

        params, given = whole.load(), dict(zip(names, arguments, strict=True))
        for name in given.keys() & {"study", "external"}:
            params.study(given[name])
        if "model" in given:
            run.links(given["model"], params.models)
        main(*arguments)

    console.run_stage(checked, *names)
