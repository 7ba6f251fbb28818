"""Run as ``sitecustomize``: Python's wall clock is years off and jumps to and fro, in every process that imports it.

Time of files comes from the kernel, and libraries that ask it for the time themselves are not reached.
"""

from __future__ import annotations

import itertools
import time

_DAY = 86_400
_JUMPS = itertools.cycle((398 * _DAY, -20 * 365 * _DAY, 0, 5 * 365 * _DAY))
_now, _now_ns, _local, _gm = time.time, time.time_ns, time.localtime, time.gmtime


def _time() -> float:
    return _now() + next(_JUMPS)


time.time = _time
time.time_ns = lambda: _now_ns() + next(_JUMPS) * 10**9
time.localtime = lambda seconds=None: _local(_time() if seconds is None else seconds)
time.gmtime = lambda seconds=None: _gm(_time() if seconds is None else seconds)
