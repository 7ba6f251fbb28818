"""The bar in a terminal, and lines alone elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import suppress

from tests.project import ROOT

PAGE = "Page  file:///a/folder/" + "so/deep/" * 20 + "index.html"
CODE = f"""
import time
from medcnn.runtime.bar import bar
with bar(30) as shown:
    shown.line("stage 7 of 30: train skin [lite0]")
    shown.at(6, "train skin [lite0], at most about 00:40 left")
    time.sleep(0.3)
    print("said by a thread")
    shown.line({PAGE!r})
print("done")
"""


def test_on_a_terminal_a_bar_stands_below_lines_that_stay_whole() -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", CODE], stdout=theirs, cwd=ROOT, env={**os.environ, "TERM": "xterm"}):
        os.close(theirs)
        said = b""
        with suppress(OSError):
            while part := os.read(ours, 65536):
                said += part
    os.close(ours)
    text = said.decode()
    for wanted in ("6/30", "at most about 00:40 left", "stage 7 of 30: train skin [lite0]", "said by a thread", PAGE):
        assert wanted in text
    assert text.endswith("done\r\n")


def test_in_a_pipe_there_are_lines_alone() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["stage 7 of 30: train skin [lite0]", "said by a thread", PAGE, "done"]
