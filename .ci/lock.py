"""Say whether dvc.lock belongs to the code and params that stand here; only then does reproducing it prove anything."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from dvc.repo import Repo


def changed(stages: dict[str, list[object]]) -> Iterator[str]:
    """What of the code and params is not as it was when its stage ran; data and results are left out."""
    for name, found in stages.items():
        for kind in found:
            for path, said in kind.get("changed deps", {}).items() if isinstance(kind, dict) else ():
                if path.split("/")[0] in {"medcnn", "stages"}:
                    yield f"{name}: {path}"
                elif path == "params.yaml":
                    yield from (f"{name}: {path}: {key}" for key in said)


def main() -> int:
    """Return the exit code: 1 where the lock is stale."""
    with Repo() as repo:
        stale = list(changed(repo.status()))
    for line in stale:
        print(line)
    if stale:
        print("dvc.lock is stale: run `make repro` and commit dvc.lock and metrics/")
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
