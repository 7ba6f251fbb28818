"""Faults that a user can fix, and the exit codes that go with them."""

from __future__ import annotations

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130


class MedcnnError(Exception):
    """A fault that the user can fix; its text is one line, shown without a traceback."""

    exit_code = FAILED


class ParamsError(MedcnnError):
    """A wrong key or value in ``params.yaml``; the text names the key path and the valid choices."""

    exit_code = BAD_INPUT
