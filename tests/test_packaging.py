"""What `pip install .` puts on a machine: every file of the package, and a command `medcnn`."""

from __future__ import annotations

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

import pytest
from ruamel.yaml import YAML

from medcnn.__main__ import __version__
from tests.project import ROOT

BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
# Stands in for the script that pip makes of the entry point.
COMMAND = "import sys; from medcnn.__main__ import main; sys.argv[0] = 'medcnn'; main()"
NO_TENSORFLOW = "import sys; sys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'pandas'))); "


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "medcnn"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of what git tracks, built from a copy: setuptools leaves its workings beside the sources."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in (*tracked(), "pyproject.toml", "README.md", "LICENSE"):
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((ROOT / name).read_bytes())
    subprocess.run([sys.executable, "-c", BUILD, built], cwd=source, capture_output=True, check=True)
    (made,) = built.iterdir()
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel unpacked, in a folder without any checkout."""
    site = tmp_path_factory.mktemp("site")
    ZipFile(wheel).extractall(site)
    return site


def call(installed: Path, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_wheel_holds_every_tracked_file_of_the_package_and_no_other(wheel: Path):
    packed = {name for name in ZipFile(wheel).namelist() if not name.startswith(f"medcnn-{__version__}.dist-info/")}
    assert packed == set(tracked())


def test_the_wheel_gives_a_command(wheel: Path):
    scripts = ConfigParser()
    scripts.read_string(ZipFile(wheel).read(f"medcnn-{__version__}.dist-info/entry_points.txt").decode())
    assert dict(scripts["console_scripts"]) == {"medcnn": "medcnn.__main__:main"}


@pytest.mark.parametrize("arguments", [["--help"], ["predict", "--help"]])
def test_the_installed_command_helps_under_its_own_name_without_tensorflow(arguments: list[str], installed: Path):
    done = call(installed, NO_TENSORFLOW + COMMAND, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(" ".join(("usage: medcnn", *arguments[:-1])) + " ")


def test_a_package_that_is_not_installed_is_one_line(installed: Path):
    without = "import sys; sys.modules['onnxruntime'] = None; "
    done = call(installed, without + COMMAND, "predict", "model.onnx", "image.png")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "onnxruntime" in done.stderr


def test_the_module_helps_under_the_name_that_it_was_called_by(installed: Path):
    module = "import runpy, sys; sys.argv[0] = 'medcnn'; runpy.run_module('medcnn', run_name='__main__')"
    assert call(installed, module, "--help").stdout.startswith("usage: python -m medcnn ")


def test_version(installed: Path):
    assert call(installed, COMMAND, "--version").stdout == f"medcnn {__version__}\n"


def test_the_citation_and_the_changelog_know_the_version():
    assert YAML(typ="safe").load(ROOT / "CITATION.cff")["version"] == __version__
    assert f"\n## [{__version__}] - " in (ROOT / "CHANGELOG.md").read_text()


def test_installed_templates_are_found(installed: Path):
    code = "from medcnn.report import templating as made; print(*made.environment(escapes=True).list_templates())"
    assert {"card.md.j2", "page.html.j2", "page.css"} <= set(call(installed, code).stdout.split())
