"""The lists of pins: complete, without what only others need, and of one mind about versions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.project import ROOT

tomllib = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML")

LISTS = sorted(ROOT.glob("requirements*.txt"))


def pinned(path: Path) -> Iterator[Requirement]:
    lines = path.read_text().splitlines()
    pins = (Requirement(line) for line in lines if line and not line.startswith("#"))
    return (pin for pin in pins if pin.marker is None or pin.marker.evaluate())


def names(*lists: str) -> set[str]:
    return {canonicalize_name(pin.name) for name in lists for pin in pinned(ROOT / name)}


def needed(stated: Iterable[str]) -> set[str]:
    """The packages that these requirements bring on this Python, as the installed ones state them."""
    waiting, seen = [(Requirement(line), "") for line in stated], set()
    while waiting:
        wanted, extra = waiting.pop()
        key = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if key in seen or not (wanted.marker is None or wanted.marker.evaluate({"extra": extra})):
            continue
        seen.add(key)
        inner = [Requirement(line) for line in metadata.requires(wanted.name) or ()]
        waiting += [(one, extra) for one in inner for extra in {"", *wanted.extras}]
    return {name for name, _ in seen}


def stated(*extras: str) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["dependencies"] + [line for name in extras for line in project["optional-dependencies"][name]]


def test_users_get_every_package_that_they_need_and_no_other():
    assert names("requirements.txt") == needed(stated("excel", "scans"))


def test_tests_and_lint_get_every_package_that_they_need_and_no_other():
    both = names("requirements.txt", "requirements-test.txt")
    assert both == needed(stated("excel", "scans", "test"))


def test_lists_agree_on_the_version_of_a_package():
    versions: dict[str, set[str]] = {}
    for pin in (pin for path in LISTS for pin in pinned(path)):
        versions.setdefault(canonicalize_name(pin.name), set()).add(str(pin.specifier))
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.name)
def test_every_package_is_pinned_to_one_version(path: Path):
    assert [str(pin) for pin in pinned(path) if not re.fullmatch(r"==[\w.]+", str(pin.specifier))] == []
