"""Say from where on the results here are not the committed ones, and why; an excuse there is for native bytes alone."""

from __future__ import annotations

import sys

from medcnn.params import whole
from medcnn.report.reproduction import reproduction


def main() -> int:
    """Return the exit code: 1 where the bytes should be those of the commit whatever the processor."""
    params = whole.load()
    found = reproduction(params.run.studies)
    print(f"reproduces the commit: {found.verdict}" if found else "there is no committed dvc.lock to compare with")
    return int(params.compute.portable)


if __name__ == "__main__":
    sys.exit(main())
