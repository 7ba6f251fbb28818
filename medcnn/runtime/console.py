"""What a user sees when something goes wrong: one line that says what, where, and what to do."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from medcnn.core.errors import FAILED, INTERRUPTED, MedcnnError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHELLS_OFFSET = 128


class _Interrupt(KeyboardInterrupt):
    """A signal asked for the end. Once a plain KeyboardInterrupt has passed ``exec``, Python ignores the exit code."""


def run_stage(main: Callable[..., None], *names: str) -> None:
    """Call ``main`` with one command-line argument per name, then exit; user errors become one line."""
    arguments = sys.argv[1:]
    if len(arguments) != len(names):
        usage = " ".join(name.upper() for name in names)
        sys.exit(f"usage: python -m stages.{Path(sys.argv[0]).stem} {usage}".rstrip())
    with one_line_errors():
        main(*arguments)


def exit_on_signals() -> None:
    """End in one line on Ctrl-C, ``kill`` and a closed terminal, while nothing is to be cleaned up, as in imports."""
    handle(_exit)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn a user's fault, a fault of the file system, Ctrl-C, ``kill`` or a closed terminal into one line and a code.

    Within the block each of these signals raises ``KeyboardInterrupt``, so that whatever is open is closed.
    """
    received: list[int] = []

    def interrupt(number: int, _: Any) -> NoReturn:
        received.append(number)
        raise _Interrupt

    earlier = handle(interrupt)
    try:
        yield
    except BaseException as error:
        # Libraries turn an interrupt into errors of their own: the signal is the cause all the same.
        if received and not isinstance(error, SystemExit):
            earlier = dict.fromkeys(earlier, signal.SIG_IGN)
            _say_interrupted()
            sys.exit(_code(received[0]))
        code = _reported(error)
        if code is None:
            raise
        sys.exit(code)
    else:
        # An interrupt that struck within a destructor or a callback was swallowed there.
        if received:
            _say_interrupted()
            sys.exit(_code(received[0]))
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _reported(error: BaseException) -> int | None:
    """Say in one line what a user can fix; the exit code, or None where the fault is the program's."""
    if isinstance(error, KeyboardInterrupt):
        _say_interrupted()
        return INTERRUPTED
    if isinstance(error, MedcnnError):
        print(f"error: {shown(str(error))}", file=sys.stderr)
        return error.exit_code
    if isinstance(error, OSError) and (error.filename is not None or error.errno is not None):
        place = f": {shown(os.fsdecode(error.filename))}" if error.filename else ""
        # NumPy gives no reason where the system wrote less than it was asked to.
        reason = error.strerror or f"written in part, as on a full disk ({error})"
        print(f"error: {reason}{place}", file=sys.stderr)
        return FAILED
    return None


def shown(name: str) -> str:
    """A name on one line, whatever is in it: what cannot be printed is escaped as Python does."""
    return "".join(letter if letter.isprintable() else _escaped(letter) for letter in name)


def _escaped(letter: str) -> str:
    # Bytes that are not UTF-8 are surrogates in Python's names of files.
    if 0xDC80 <= ord(letter) <= 0xDCFF:
        return f"\\x{ord(letter) - 0xDC00:02x}"
    return letter.encode("unicode_escape").decode()


def handle(handler: Callable[[int, Any], Any]) -> dict[signal.Signals, Any]:
    """Install a handler of the signals that end a process, except of a hangup under ``nohup``; return those before."""
    handled = [number for number in _SIGNALS if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in handled}


def _exit(number: int, _: Any) -> NoReturn:
    _say_interrupted()
    sys.stderr.flush()
    os._exit(_code(number))


def _say_interrupted() -> None:
    print("interrupted: run the same command again to go on", file=sys.stderr)


def _code(number: int) -> int:
    """The exit code of a process that a signal ended, as shells give it."""
    return _SHELLS_OFFSET + number
