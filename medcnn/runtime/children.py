"""Commands that this process starts and that end with it, however it ends: by Ctrl-C, ``kill`` or ``kill -9``.

A small process, the guard, reads from a pipe which commands run, and interrupts those that are left at the pipe's end.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from medcnn.runtime.warm import Warm, offered

_DVC_LOCKS = tuple(Path(".dvc/tmp", name) for name in ("lock", "rwlock.lock", "exps/rwlock.lock"))
"""In the order in which DVC takes them."""


class Children:
    """Commands, each in a session of its own: an interrupt reaches them once, with all that they started.

    Threads may share it.

    Attributes:
        warm: a process in which the stages among them start at once, from when it is started itself.
    """

    def __init__(self, lock: int, guard: subprocess.Popen[str], warm: Warm) -> None:
        self.warm = warm
        self._lock = lock
        self._guard = guard
        self._mutex = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self.stopped = False

    def call(self, command: Sequence[str]) -> int:
        """Run a command to its end; its exit code."""
        with self.started(command) as child:
            return child.wait()

    @contextmanager
    def started(self, command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
        """A command that has started, which the block is to wait for. It inherits the lock.

        Raises:
            KeyboardInterrupt: nothing is to be started any more.
        """
        with self._mutex:
            if self.stopped:
                raise KeyboardInterrupt
            child = subprocess.Popen(command, start_new_session=True, pass_fds=[self._lock], **options)  # noqa: S603 (ours)
            self._running.add(child)
            self._notify_guard("+", child)
        try:
            yield child
        except BaseException:
            self.stop()
            raise
        with self._mutex:
            self._running.remove(child)
            self._notify_guard("-", child)

    def stop(self) -> None:
        """Interrupt what runs, start no more, and wait until all have ended."""
        with self._mutex:
            if not self.stopped:
                self.stopped = True
                self._guard.communicate()
        for child in tuple(self._running):
            child.wait()

    def _notify_guard(self, sign: str, child: subprocess.Popen[str]) -> None:
        if not self.stopped:
            print(f"{sign}{child.pid}", file=self._guard.stdin, flush=True)


@contextmanager
def guarded(lock: int) -> Iterator[Children]:
    """Children that end with the block, and are interrupted where it ends by an exception.

    Args:
        lock: a file descriptor for them to inherit, so that a lock is held as long as one of them runs.
    """
    command = [sys.executable, "-m", "medcnn.runtime.children"]
    guard = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603 (ours)
    with offered() as warm:
        children = Children(lock, guard, warm)
        try:
            yield children
        finally:
            children.stop()


def _guard(lines: Iterable[str]) -> None:
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        (groups.add if line.startswith("+") else groups.discard)(group)
    with _between_records():
        for group in groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGINT)


@contextmanager
def _between_records() -> Iterator[None]:
    """While no DVC process writes: its files are not written whole or not at all, an interrupt would cut them off.

    ``dvc.lock`` would be half there, and every later command would stop at an empty ``rwlock``.
    """
    with ExitStack() as held:
        for lock in filter(Path.exists, _DVC_LOCKS):
            fcntl.flock(held.enter_context(lock.open("a")), fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    _guard(sys.stdin)
