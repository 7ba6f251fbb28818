"""What a user sees when something goes wrong: one line that says what, where, and what to do."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130


class MedcnnError(Exception):
    """A fault that the user can mend; its text is one line, shown without a traceback."""

    exit_code = FAILED


class ParamsError(MedcnnError):
    """A wrong key or value in ``params.yaml``; the text names the key path and the valid choices."""

    exit_code = BAD_INPUT


def run_stage(main: Callable[..., None], *names: str) -> None:
    """Call ``main`` with one command-line argument per name, then exit; user errors become one line."""
    arguments = sys.argv[1:]
    if len(arguments) != len(names):
        usage = " ".join(name.upper() for name in names)
        sys.exit(f"usage: python -m stages.{Path(sys.argv[0]).stem} {usage}".rstrip())
    with one_line_errors():
        main(*arguments)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn a user's fault, an interrupt or a fault of the file system into one line and an exit code."""
    try:
        yield
    except MedcnnError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted: run the same command again to go on", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        place = f": {os.fspath(error.filename)}" if error.filename else ""
        print(f"error: {error.strerror}{place}", file=sys.stderr)
        sys.exit(FAILED)
