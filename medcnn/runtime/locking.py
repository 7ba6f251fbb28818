"""Work that two processes must not do at once: the second waits for the first, or is refused."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medcnn.core.errors import MedcnnError


@contextmanager
def held(lock: Path, others_work: str, *, wait: bool = True) -> Iterator[int]:
    """Hold a lock file, which stays behind; yields its file descriptor, for children to inherit.

    A child that inherits it keeps it where this process is killed.

    Args:
        lock: the file; its folder is made.
        others_work: what the other process does, for the message.
        wait: wait for the other process, and say so; else refuse.

    Raises:
        MedcnnError: another process holds it, and ``wait`` is off.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise MedcnnError(f"another run {others_work}; wait until it has ended") from None
            print(f"waiting for another run that {others_work}", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()
