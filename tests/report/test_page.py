from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from medcnn.report import page
from tests.report.html import parsed


def test_a_number_keeps_its_exact_value():
    assert page.number(0.893130, 2) == '<data value="0.89313">0.89</data>'
    assert page.percent(0.893130) == '<data value="0.89313">89.3 %</data>'


def test_what_is_not_defined_is_a_dash():
    for shown in (page.number(None), page.percent(None), page.signed(None), page.as_published(None), page.times(None)):
        assert parsed(str(shown)).text == "\N{EN DASH}"


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (17405658, "17.4 MB"), (10_000_000_000, "10 GB")],
)
def test_sizes(size: int, shown: str):
    assert page.size(size) == shown


@pytest.mark.parametrize(("value", "shown"), [(999, "999"), (1_200_000, "1.2 M"), (15_500_000_000, "15.5 G")])
def test_costs(value: int, shown: str):
    assert page.times(value) == shown


def test_a_published_figure_keeps_the_zeros_that_yaml_drops():
    assert page.as_published(0.8) == '<data value="0.8">0.80</data>'
    assert page.as_published(0.8659) == '<data value="0.8659">0.8659</data>'


def test_a_difference_shows_its_sign():
    assert page.signed(0.08, 2) == '<data value="0.08">+0.08</data>'
    assert page.signed(-0.08, 2) == '<data value="-0.08">-0.08</data>'


def test_a_large_picture_is_scaled_down(tmp_path: Path):
    Image.effect_noise((4000, 3000), 80).save(tmp_path / "sheet.png")
    uri = page.picture_uri(tmp_path / "sheet.png")
    assert uri.startswith("data:image/jpeg;base64,")
    assert len(uri) < 1_000_000


def test_timings_list_the_baseline_first():
    def at(milliseconds: float) -> dict[str, float]:
        return {"p50_ms": milliseconds, "p90_ms": 2.0, "p99_ms": 3.0, "images_per_second": 1000 / milliseconds}

    benchmark = {
        "latency": {"onnxruntime": {"8": at(4), "16": at(5)}, "tensorflow": {"8": at(8), "16": at(10)}},
        "speedup": {"onnxruntime": {"8": {"median": 2.0}, "16": {"median": 2.0}}},
    }
    assert page.batch_sizes(benchmark) == (8, 16)
    tensorflow, onnx = page.timings(benchmark)
    assert (tensorflow["engine"], tensorflow["p50_ms"], tensorflow["images_per_second"]) == ("TensorFlow", 8, 100)
    assert (onnx["engine"], onnx["speedup"]["median"]) == ("ONNX Runtime", 2.0)
    assert tensorflow["speedup"] is None
