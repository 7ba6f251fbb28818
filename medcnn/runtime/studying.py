"""Commands that set what a run covers in ``params.yaml`` until they end: one at a time in a project."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from medcnn.core.errors import ParamsError
from medcnn.runtime import locking, paths
from medcnn.runtime.children import Children, guarded
from medcnn.runtime.params_kept import put_back


@contextmanager
def alone() -> Iterator[Children]:
    """Children of the one command that may change ``params.yaml``; what a killed one left changed is put back first.

    Raises:
        ParamsError: there is no project here, and nothing may be written.
        MedcnnError: another such command is running.
    """
    if not paths.PARAMS.exists():
        raise ParamsError(f"{paths.PARAMS} not found: run this from the project's root")
    held = locking.held(paths.state("study") / "lock", "runs a study in this project", wait=False)
    with held as lock, guarded(lock) as children:
        if put_back():
            print(f"{paths.PARAMS} put back as it was before a run that was killed", file=sys.stderr)
        yield children
