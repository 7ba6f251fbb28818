"""The Vega-Lite templates of `dvc plots`, and the page that they are drawn on without a network."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dvc_render.vega import VegaRenderer
from ruamel.yaml import YAML

from medcnn.core import files
from medcnn.report import latency
from medcnn.results import base as results
from medcnn.results.timings import Timed
from medcnn.runtime import paths
from medcnn.stress import stressing
from tests.project import ROOT
from tests.report.example import Example, example, write_timings

TEMPLATES = ROOT / ".dvc" / "plots"
DRAWN = {
    "learning": ("plots/evaluate/phantom/learning.csv", "epoch", "loss"),
    "confusion_by_model": ("plots/evaluate/phantom/confusion.csv", "predicted", "actual"),
    "roc": ("plots/evaluate/phantom/roc.csv", "false_positive_rate", "true_positive_rate"),
    "pr": ("plots/evaluate/phantom/pr.csv", "recall", "precision"),
    "reliability": ("plots/evaluate/phantom/reliability.csv", "confidence", "accuracy"),
    "errors": ("plots/evaluate/phantom/errors.csv", "false_positives", "false_negatives"),
    "stress": ("plots/stress/phantom/simple.csv", "strength", "accuracy"),
    "classes": ("plots/split/phantom/classes.csv", "images", "class"),
    "latency": ("plots/benchmark/phantom/latency.csv", "p50_ms", "accuracy"),
}
GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@example.org")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Example:
    project = example(tmp_path_factory.mktemp("plots")).evaluate()
    timed = ("simple", "lite0")
    write_timings(project, *timed)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.folder)
        blocks = {model: results.read(paths.metrics("benchmark", project.study, model), Timed) for model in timed}
        latency.write(project.study, blocks, {})
        points = [
            {"strength": step / 10, "accuracy": 0.8, "accuracy_low": 0.7, "accuracy_high": 0.9} for step in (1, 2)
        ]
        degraded = {"degraded": {"noise": points, "jpeg": points}}
        path = paths.plots("stress", project.study) / "simple.csv"
        files.write_csv(path, stressing.COLUMNS, stressing.curves(degraded))
    return project


def rows(made: Example, relative: str) -> list[dict[str, str]]:
    with made.path(Path(relative)).open(newline="") as file:
        return [{**row, "rev": rev} for row in csv.DictReader(file) for rev in ("workspace", "HEAD")]


def filled(made: Example, name: str) -> Any:
    relative, x, y = DRAWN[name]
    data = rows(made, relative)
    renderer = VegaRenderer(data, relative, template=name, template_dir=str(TEMPLATES), x=x, y=y, title="A title")
    return renderer.get_filled_template()


def values(spec: Any, *keys: str) -> Iterator[Any]:
    """Everything that stands under these keys, at any depth."""
    if isinstance(spec, dict):
        for key, value in spec.items():
            if key in keys:
                yield value
            yield from values(value, *keys)
    elif isinstance(spec, list):
        for value in spec:
            yield from values(value, *keys)


def test_every_template_is_tried_here():
    assert {path.stem for path in TEMPLATES.glob("*.json")} == set(DRAWN)


def test_the_pipeline_draws_with_every_template_and_the_columns_that_are_tried_here():
    plots = YAML(typ="safe").load(ROOT / "dvc.yaml")
    listed = [block for blocks in values(plots, "plots") for entry in blocks for block in entry.values()]
    drawn = {(block["template"], block["x"], block["y"]) for block in listed}
    assert drawn == {(name, x, y) for name, (_, x, y) in DRAWN.items()}
    assert all(block["title"] for block in listed)


@pytest.mark.parametrize("name", DRAWN)
def test_a_template_reads_columns_that_exist(made: Example, name: str):
    relative, x, y = DRAWN[name]
    data = rows(made, relative)
    assert data
    spec = filled(made, name)
    assert "<DVC" not in json.dumps(spec)
    assert spec["data"]["values"] == data
    assert spec["title"]["text"] == "A title"
    del spec["data"]
    known = {*data[0], *values(spec, "as"), "even", "chance"}
    fields = {field for field in values(spec, "field") if isinstance(field, str)}
    fields |= {field for group in values(spec, "groupby") for field in group}
    formulas = " ".join(values(spec, "calculate"))
    fields |= {field for pair in re.findall(r"datum(?:\.(\w+)|\['(\w+)'\])", formulas) for field in pair if field}
    assert {x, y} <= fields <= known
    assert "rev" in fields


@pytest.mark.parametrize("name", DRAWN)
def test_both_axes_are_titled(made: Example, name: str):
    spec = filled(made, name)
    for axis in ("x", "y"):
        channels = [channel for channel in values(spec, axis) if isinstance(channel, dict)]
        titles = {channel.get("title") for channel in channels if channel["field"] not in ("even", "chance")}
        assert len(titles - {"Loss", "Accuracy"}) <= 1, "layers of one axis would join their titles"
        assert all(titles), titles


def test_the_page_asks_nothing_of_the_network():
    page = (TEMPLATES / "page.html").read_text(encoding="utf-8")
    assert re.findall(r"<(?:script|link|iframe)\b[^>]+>", page) == []
    assert page.count("{plot_divs}") == 1
    assert "{scripts}" not in page, "DVC would put its CDN there"
    config = (ROOT / ".dvc" / "config").read_text()
    assert "html_template = plots/page.html" in config


@pytest.fixture(scope="module")
def repository(made: Example) -> Path:
    """A repository that draws every plot, with one commit; the plots are those of git."""
    folder = made.folder
    shutil.copytree(TEMPLATES, folder / ".dvc" / "plots")
    shutil.copy(ROOT / ".dvc" / "config", folder / ".dvc" / "config")
    plots = [
        {path: {"template": name, "x": x, "y": y, "title": f"Title of {name}"}} for name, (path, x, y) in DRAWN.items()
    ]
    (folder / "dvc.yaml").write_text(json.dumps({"plots": plots}))
    for command in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "state")):
        subprocess.run([*GIT, *command], cwd=folder, check=True)
    return folder


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("command", [("show",), ("diff", "HEAD")])
def test_every_plot_is_drawn_in_a_browser_without_a_network(repository: Path, command: tuple[str, ...], tmp_path: Path):
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium is installed")
    subprocess.run(
        [sys.executable, "-m", "dvc", "plots", *command, "--out", str(tmp_path)],
        cwd=repository, check=True, capture_output=True,
    )  # fmt: skip
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = chromium.new_context(offline=True).new_page()
        faults: list[str] = []
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: faults.append(request.url) if request.url.startswith("http") else None)
        page.goto((tmp_path / "index.html").as_uri())
        page.wait_for_function(f"document.querySelectorAll('canvas').length >= {len(DRAWN)}")
        shares = page.evaluate(_INKED)
        chromium.close()
    assert faults == []
    assert len(shares) == len(DRAWN)
    assert all(share > 0.005 for share in shares.values()), shares


_INKED = """() => Object.fromEntries([...document.querySelectorAll("body > div")].map(plot => {
    const canvas = plot.querySelector("canvas");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    const coloured = (_, index) => index % 4 === 0 && new Set(pixels.slice(index, index + 3)).size > 1;
    return [plot.id, pixels.filter(coloured).length / (pixels.length / 4)];
}))"""
"""By plot: the share of pixels that are neither white nor grey, which are those of its marks."""
