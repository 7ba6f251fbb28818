"""onnxruntime-web from npm: the version and the hash that ``package-lock.json`` names; no package's script is run."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medcnn.core.errors import MedcnnError

HERE = Path(__file__).parent
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
"""Files of the package's ``dist``: the API, and the CPU's backend with its loader."""
_INSTALL = ("ci", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--no-update-notifier")
# npm's own patience without a network is a minute and more.
_PATIENCE = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--loglevel=error")


@contextmanager
def runtime() -> Iterator[Path]:
    """A folder that holds ``FILES`` for as long as the block lasts.

    Raises:
        MedcnnError: npm is not installed, cannot reach its registry, or got other bytes than the lock file names.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise MedcnnError("npm not found: the demo needs Node 20 or newer (https://nodejs.org)")
    with tempfile.TemporaryDirectory(prefix="medcnn-demo-") as name:
        folder = Path(name)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(HERE / file, folder)
        done = subprocess.run(  # noqa: S603 (npm)
            [npm, *_INSTALL, *_PATIENCE], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise MedcnnError(f"npm could not bring onnxruntime-web: {_reason(done.stderr)}")
        yield folder / "node_modules" / "onnxruntime-web" / "dist"


def _reason(complaints: str) -> str:
    """The first line of what npm printed that is a sentence rather than a code."""
    lines = [line.removeprefix("npm error").strip() for line in complaints.splitlines()]
    reasons = [line for line in lines if line and not line.startswith(("code ", "errno ", "syscall "))]
    return reasons[0].removeprefix("network ") if reasons else "it gave no reason"
