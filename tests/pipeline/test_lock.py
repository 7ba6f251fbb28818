"""The committed dvc.lock belongs to the committed code and params; only then does reproducing it prove anything."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
HINT = "dvc.lock is stale: run `make repro` and commit dvc.lock and metrics/"


def read(name: str) -> Any:
    return YAML(typ="safe", pure=True).load(ROOT / name)


def test_every_locked_module_is_the_one_that_stands_here() -> None:
    locked = {
        dep["path"]: dep["md5"]
        for stage in read("dvc.lock")["stages"].values()
        for dep in stage.get("deps", [])
        if dep["path"].split("/")[0] in {"medcnn", "stages"}
    }
    assert locked
    actual = {path: hashlib.md5((ROOT / path).read_bytes()).hexdigest() for path in locked}  # noqa: S324
    assert actual == locked, HINT


def test_every_locked_param_is_the_one_that_stands_here() -> None:
    params = read("params.yaml")
    for name, stage in read("dvc.lock")["stages"].items():
        for path, value in stage.get("params", {}).get("params.yaml", {}).items():
            block = params
            for key in path.split("."):
                block = block[key]
            assert block == value, f"{name}: {path}: {HINT}"
