"""The default run, stage by stage, in a throwaway clone."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.timing import output, report, timed

ROUNDS = 5
IMPORTS = "import medcnn.measures.metrics, medcnn.grouping.dealing, medcnn.params.whole"


def main() -> None:
    """Print time and memory of every stage, of a run with nothing to do, and of imports."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "medcnn"
        subprocess.run(["git", "clone", "--quiet", ".", str(clone)], check=True)
        print(f"{'stage':<40}{'seconds':>9}{'peak MiB':>10}")
        total = 0.0
        for stage in output(clone, "dvc", "stage", "list", "--name-only").split():
            seconds, peak = timed(clone, "dvc", "repro", "--quiet", "--single-item", stage)
            total += seconds
            print(f"{stage:<40}{seconds:>9.1f}{peak:>10.0f}")
        print(f"{'the whole pipeline':<40}{total:>9.1f}   with a start of dvc for every stage")
        report("dvc repro, nothing to do", "s", [timed(clone, "dvc", "repro", "--quiet")[0] for _ in range(ROUNDS)])
        report(IMPORTS, "s", [timed(clone, sys.executable, "-c", IMPORTS)[0] for _ in range(ROUNDS)])
