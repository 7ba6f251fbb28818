"""The same bytes when the surroundings vary, as reprotest of reproducible-builds varies it."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.faults.conftest import ALONE, TARGETS, locked, project
from tests.pipeline.conftest import ENVIRONMENT

pytestmark = [pytest.mark.slow, pytest.mark.dvc]

HERE = Path(__file__).parent
STRANGER = ("unshare", "--user", "--map-user=65534", "--map-group=65534", "--")
"""Another user, without any rights, to whom the files belong all the same."""
GERMAN = "locale de_DE"
ON_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


@dataclass(frozen=True)
class Variation:
    """What differs from the undisturbed run."""

    folder: str = "project"
    environment: Mapping[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    umask: int = -1
    customized: str = ""
    cpus: int = 0

    def preparation(self) -> Callable[[], None] | None:
        """What the process does before it becomes dvc."""
        if not self.cpus:
            return None
        return functools.partial(os.sched_setaffinity, 0, sorted(os.sched_getaffinity(0))[: self.cpus])


VARIATIONS = {
    "build path, umask 077, 1 CPU, time zone, hash seed": Variation(
        folder="as deep/as it is/unlike the other's",
        umask=0o077,
        cpus=1,
        environment={"TZ": "XXX-13:45", "PYTHONHASHSEED": "4242"},
    ),
    "user, home": Variation(prefix=STRANGER, environment={"HOME": "home"}),
    "locale C, ASCII, wall clock": Variation(
        environment={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, customized="wrong_clock.py"
    ),
    GERMAN: Variation(environment={"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"}),
    "file order, 2 CPUs, terminal of 30 columns": Variation(
        customized="shuffled_listing.py",
        cpus=2,
        environment={"COLUMNS": "30", "LINES": "5", "TERM": "xterm"},
        prefix=(sys.executable, "-c", ON_A_TERMINAL),
    ),
}
"""What differs is joined where nothing hides another: the bytes of all of it are those of none."""


@pytest.fixture(scope="module")
def table() -> Iterator[list[str]]:
    """Lines of the table that is shown at the end with `pytest -s`."""
    lines = ["| varied | stages | of them other bytes | metrics files | of them other bytes |", "|---|---|---|---|---|"]
    yield lines
    print("\n" + "\n".join(lines))


@pytest.mark.parametrize("name", VARIATIONS)
def test_the_bytes_are_those_of_the_undisturbed_run(
    name: str, undisturbed: Path, tmp_path: Path, table: list[str]
) -> None:
    variation = VARIATIONS[name]
    if variation.cpus > len(os.sched_getaffinity(0)):
        pytest.skip(f"there are fewer than {variation.cpus} CPUs")
    folder = project(tmp_path / variation.folder, ALONE)
    run(variation, folder, TARGETS, tmp_path)
    here, there = locked(folder), locked(undisturbed)
    stages = sorted(stage for stage in there if there[stage] != here.get(stage))
    metrics = {path.relative_to(undisturbed) for path in (undisturbed / "metrics").rglob("*.json")}
    others = sorted(str(path) for path in metrics if not same(folder / path, undisturbed / path))
    table.append(f"| {name} | {len(there)} | {len(stages)} | {len(metrics)} | {len(others)} |")
    assert len(metrics) >= 8
    assert (set(here), stages, others) == (set(there), [], [])


def test_a_folder_of_images_is_read_in_one_order_however_it_is_listed(undisturbed: Path, tmp_path: Path) -> None:
    locks = []
    for kind, variation in {"listed": Variation(), "shuffled": Variation(customized="shuffled_listing.py")}.items():
        source = {"kind": "folder", "path": "images"}
        folder = project(tmp_path / kind, {**ALONE, "studies.phantom.source": source})
        with zipfile.ZipFile(undisturbed / "data/raw/phantom/phantom.zip") as archive:
            archive.extractall(folder / "images")
        run(variation, folder, ("prepare@phantom",), tmp_path)
        locks.append(locked(folder))
    assert set(locks[0]) == {"download@phantom", "split@phantom", "prepare@phantom"}
    assert locks[0] == locks[1]


def same(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


def german(folder: Path) -> Path:
    """A folder with the locale de_DE.UTF-8, in which the decimal point is a comma; few machines have it installed."""
    folder.mkdir()
    command = ["localedef", "-i", "de_DE", "-f", "UTF-8", str(folder / "de_DE.UTF-8")]
    if shutil.which("localedef") is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("the locale de_DE.UTF-8 cannot be made here")
    return folder


def run(variation: Variation, folder: Path, targets: tuple[str, ...], tmp_path: Path) -> None:
    """Run the targets in a project under a variation."""
    environment = {**ENVIRONMENT, **variation.environment}
    if home := variation.environment.get("HOME"):
        (tmp_path / home).mkdir()
        environment["HOME"] = str(tmp_path / home)
    if variation is VARIATIONS[GERMAN]:
        environment["LOCPATH"] = str(german(tmp_path / "locales"))
    if variation.prefix == STRANGER and subprocess.run([*STRANGER, "true"], check=False).returncode:
        pytest.skip("no other user can be made here")
    if variation.customized:
        site = tmp_path / "site"
        site.mkdir()
        shutil.copy(HERE / variation.customized, site / "sitecustomize.py")
        environment["PYTHONPATH"] = str(site)
    done = subprocess.run(
        [*variation.prefix, "dvc", "repro", *targets],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        errors="replace",
        umask=variation.umask,
        preexec_fn=variation.preparation(),
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
