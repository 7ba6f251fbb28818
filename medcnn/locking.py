"""Work that two processes must not do at once: the second waits for the first."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(lock: Path, others_work: str) -> Iterator[None]:
    """Hold a lock file, which stays behind; whoever has to wait for it says for what.

    Args:
        lock: the file; its folder is made.
        others_work: what the other process does, for the message.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another run that {others_work}", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
