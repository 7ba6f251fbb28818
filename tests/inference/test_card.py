from __future__ import annotations

import json
import subprocess
import sys

import pytest

from medcnn.core.errors import MedcnnError
from medcnn.inference.card import Card
from medcnn.reading.greys import DEFAULT, Scaling
from tests.inference.cards import card

MEANT = card().metadata


def test_what_is_written_is_read() -> None:
    written = card(positive="", operating_points={"a": 0.25, "b": None, "ç": 1.000001})
    read = Card.read({**written.metadata, "made_by": "someone else"})
    assert read.metadata == written.metadata
    assert (read.class_names, read.image_size, read.temperature) == (("a", "b", "ç"), 24, 1.25)
    assert read.operating_points == {"a": 0.25, "b": None, "ç": 1.000001}
    assert read.metrics["validation"]["images"] == 4


def test_which_pictures_of_a_file_are_taken_is_written_only_where_it_is_not_all() -> None:
    assert "frames" not in MEANT
    assert Card.read(card(frames="first").metadata).frames == "first"
    with pytest.raises(MedcnnError, match="frames"):
        Card.read({**MEANT, "frames": "last"})


def test_how_deep_greys_are_scaled_is_written_only_where_it_is_not_usual() -> None:
    assert "greys" not in MEANT
    assert Card.read(MEANT).greys == DEFAULT
    window = Scaling("values", -1000, 400)
    written = card(greys=window).metadata
    assert Card.read(written).greys == window
    for wrong in (
        '{"scale": "auto"}',
        '{"scale": "none", "low": 1, "high": 2}',
        '{"scale": "auto", "low": 1, "high": 101}',
    ):
        with pytest.raises(MedcnnError, match="greys"):
            Card.read({**written, "greys": wrong})


def test_names_are_readable_in_the_file() -> None:
    assert MEANT["class_names"] == '["a", "b", "ç"]'
    assert MEANT["format"] == "1"
    assert all(isinstance(value, str) for value in MEANT.values())


@pytest.mark.parametrize("key", sorted(MEANT))
def test_a_missing_entry_is_named(key: str) -> None:
    with pytest.raises(MedcnnError, match=f"lacks '{key}'"):
        Card.read({name: text for name, text in MEANT.items() if name != key})


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("format", "2"),
        ("study", ""),
        ("model", "two\nlines"),
        ("class_names", '["a"]'),
        ("class_names", '["a", "a"]'),
        ("class_names", '["a", 1]'),
        ("class_names", json.dumps([str(number) for number in range(1001)])),
        ("class_names", "[" * 100_000),
        ("class_names", "no JSON"),
        ("positive", "d"),
        ("image_size", "0"),
        ("image_size", "4097"),
        ("image_size", "-24"),
        ("image_size", "24.0"),
        ("image_size", "٢٤"),
        ("fit", "squeeze"),
        ("precision", "int4"),
        ("temperature", "NaN"),
        ("temperature", "0"),
        ("temperature", "true"),
        ("temperature", "1e999"),
        ("conformal_threshold", "1.5"),
        ("conformal_coverage", "-0.1"),
        ("operating_points", '{"a": Infinity}'),
        ("operating_points", '{"d": 0.5}'),
        ("operating_points", "[0.5]"),
        ("metrics", "{}"),
        ("metrics", '{"validation": 1}'),
        ("data_sha256", "0" * 63),
        ("weights_sha256", "{}"),
        ("weights_sha256", '{"simple": 1}'),
        ("novelty", "{}"),
        ("novelty", "x" * (1 << 20 | 1)),
    ],
)
def test_a_wrong_entry_is_one_line_that_names_it(key: str, text: str) -> None:
    with pytest.raises(MedcnnError, match=f"'{key}'") as error:
        Card.read({**MEANT, key: text})
    assert len(str(error.value).splitlines()) == 1
    assert len(str(error.value)) < 400


def test_reading_a_card_loads_neither_onnx_nor_the_params() -> None:
    script = (
        "import sys, medcnn.inference.card; print({'onnx', 'onnxruntime', 'tensorflow', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
