"""The parent's side of ``targets``: it outlives whatever a hostile file does, and tells what that was."""

from __future__ import annotations

import json
import select
import struct
import subprocess
import sys
from collections import Counter
from types import TracebackType

from tests.project import ROOT

SECONDS = 20
START = 600
"""For the libraries to be loaded, on a busy machine."""
MEBIBYTES = 1024


class Child:
    """A process that is fed cases one by one, and that must neither crash, hang nor grow without bounds."""

    def __init__(self, target: str, whole: bytes) -> None:
        self._target = target
        self._counts: Counter[str] = Counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.targets", target],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.outcome(whole, seconds=START) == "read"

    def __enter__(self) -> Child:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        print(f"{self._target}: {self._counts.total()} files,", dict(self._counts))

    def outcome(self, case: bytes, seconds: float = SECONDS) -> str:
        """How the child got on with a case: ``read`` or ``refused: <why>``; anything else fails the test."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(struct.pack("<q", len(case)) + case)
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        assert ready, f"no answer within {seconds} s"
        line = self._process.stdout.readline()
        assert line, f"crashed with exit code {self._process.wait()}"
        answer = json.loads(line)
        assert answer["mebibytes"] < MEBIBYTES, answer
        assert answer["outcome"] == "read" or answer["outcome"].startswith("refused: "), answer
        assert "\n" not in answer["outcome"]
        self._counts[answer["outcome"].partition(":")[0]] += 1
        return str(answer["outcome"])
